import type { ClusterService, Peer } from 'nestjs-peerage';
import { codeOf, judge } from '../outcomes.js';
import type { MessageKind } from '../outcomes.js';
import { PendingWatch } from '../pending-watch.js';
import { LEAST_MESSAGE_BYTES } from './config.js';
import type { Pattern, SoakAnswer, SoakMessage } from './data.js';
import { NOBODY, thrownText } from './handlers.js';
import { type Counter, increment } from './tally.js';
import { tell } from './tell.js';

/** A request may end so much after its time is over. */
const MARGIN_MS = 3_000;
/** A peer that does not read is down before that: four times five seconds, and what others say. */
const SEND_MS = 45_000;

/** So long a message everybody takes, with what is around its bytes. */
const SHORT_BYTES = LEAST_MESSAGE_BYTES - 1_024;

/** A peer, its name, or its boot id. */
export type Address = Peer | string;

export interface Ask {
  readonly kind: Exclude<MessageKind, 'send'>;
  readonly topic: string;
  readonly size: number;
  readonly answerBytes?: number;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Beside the message; what cannot be sent, for instance. */
  readonly extra?: unknown;
}

/** Sends messages, and looks at how each ends. */
export class Talk {
  isClosing = false;
  readonly pending = new PendingWatch(performance.now(), (text) => tell({ type: 'fault', text }));
  private readonly numbers = new Map<string, number>();

  constructor(
    private readonly cluster: ClusterService,
    private readonly pattern: Pattern,
    private readonly counter: Counter,
  ) {}

  broadcast(topic: string, size: number): void {
    const { handed, refused } = this.cluster.broadcast(topic, this.message(topic, 'broadcast', size));
    this.counter.handed += handed;
    this.counter.refused += refused.length;
    const isCounted = handed + refused.length === this.cluster.peers.length;
    if (!isCounted && !this.isClosing)
      tell({
        type: 'fault',
        text: `a broadcast was handed to ${handed} and refused by ${refused.length} of ${this.cluster.peers.length} peers`,
      });
  }

  async send(to: Peer, address: Address, topic: string, size: number): Promise<void> {
    const done = this.pending.begin(`a send to ${to.bootId} on ${topic}`, SEND_MS);
    const startMs = performance.now();
    const promise = this.cluster.send(address, topic, this.message(topic, 'send', size));
    const { error } = await outcomeOf(promise);
    done();
    if (error === undefined && topic !== NOBODY) increment(this.counter.sentTo, to.bootId);
    this.ended('send', error, startMs, { isLong: size > SHORT_BYTES });
  }

  /** Returns whether there was an answer. */
  async ask(to: string, address: Address, ask: Ask): Promise<boolean> {
    const { kind, topic, size, answerBytes = 0, timeoutMs = 5_000, signal, extra } = ask;
    const message = {
      ...this.message(topic, 'request', size),
      answerBytes,
      ...(extra !== undefined && { extra }),
    };
    const done = this.pending.begin(`a request (${kind}) to ${to} on ${topic}`, timeoutMs + MARGIN_MS);
    const startMs = performance.now();
    const promise = this.cluster.request(address, topic, message, { timeoutMs, ...(signal && { signal }) });
    const { error, value } = await outcomeOf(promise);
    done();
    if (error === undefined) this.check(value, to, topic, message);
    if (kind === 'patient' && codeOf(error) === 'REQUEST_TIMEOUT') increment(this.counter.unanswered, to);
    const throws = kind === 'throws' ? thrownText(message) : undefined;
    const isLong = size > SHORT_BYTES;
    this.ended(kind, error, startMs, { timeoutMs, signal, isLong, ...(throws !== undefined && { throws }) });
    return error === undefined;
  }

  private message(topic: string, by: SoakMessage['by'], size: number): SoakMessage {
    const number = (this.numbers.get(topic) ?? 0) + 1;
    this.numbers.set(topic, number);
    const bytes = this.pattern.bytes(number, size);
    return { from: this.cluster.self.bootId, number, by, answerBytes: 0, bytes };
  }

  private ended(
    kind: MessageKind,
    error: unknown,
    startMs: number,
    more: { timeoutMs?: number; signal?: AbortSignal | undefined; throws?: string; isLong?: boolean },
  ): void {
    this.counter.ended(kind, codeOf(error));
    const tookMs = performance.now() - startMs;
    const stoodStill = this.pending.stoodStillSince(startMs);
    const text = judge(kind, error, { ...more, tookMs, stoodStill, isClosing: this.isClosing });
    if (text !== undefined) tell({ type: 'fault', text });
  }

  /** An answer has to be that to this very question. */
  private check(value: unknown, from: string, topic: string, question: SoakMessage): void {
    const { number, from: to, answerBytes } = question;
    const what = `the answer to ${number} on ${topic}`;
    const answer = (value ?? {}) as Partial<SoakAnswer>;
    const isOurs = answer.to === to && answer.topic === topic && answer.number === number;
    if (!isOurs || answer.from !== from) {
      const text = `${what} is that of ${answer.from} to ${answer.number} of ${answer.to} on ${answer.topic}`;
      tell({ type: 'fault', text });
    } else if (!this.pattern.isRight(number, answerBytes, answer.bytes)) {
      tell({ type: 'fault', text: `${what} arrived with other bytes` });
    }
    this.counter.answeredBytes += answer.bytes?.length ?? 0;
  }
}

/** `error` is undefined when it does not reject. */
function outcomeOf(promise: Promise<unknown>): Promise<{ error?: unknown; value?: unknown }> {
  return promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error: error ?? new Error('nothing at all') }),
  );
}
