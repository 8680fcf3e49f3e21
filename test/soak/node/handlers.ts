import { Injectable } from '@nestjs/common';
import { ClusterService, OnClusterMessage } from 'nestjs-peerage';
import type { MessageContext } from 'nestjs-peerage';
import { OrderWatch } from '../order-watch.js';
import { Pattern } from './data.js';
import type { SoakAnswer, SoakMessage } from './data.js';
import { Counter, increment } from './tally.js';
import { tell } from './tell.js';

/** Topics of messages in both directions, of all sizes. */
export const STREAMS = ['soak.0', 'soak.1', 'soak.2', 'soak.3'] as const;
export const SLOW = 'soak.slow';
export const NEVER = 'soak.never';
export const THROWS = 'soak.throws';
export const UNSENDABLE_ANSWER = 'soak.unsendable-answer';
export const AMBIGUOUS = 'soak.ambiguous';
export const NOBODY = 'soak.nobody';

const SLOWEST_MS = 1_500;

/** What a handler throws for this message. */
export function thrownText({ from, number }: Pick<SoakMessage, 'from' | 'number'>): string {
  return `message ${number} of ${from} is refused`;
}

/** Takes messages of every kind, and looks at each: is it the next one, and as it was sent? */
@Injectable()
export class SoakHandlers {
  /** What handlers wait for. */
  private stalled: Promise<void> | undefined;
  private unstallNow = (): void => {};
  private readonly order = new OrderWatch((text) => tell({ type: 'fault', text }));

  constructor(
    private readonly cluster: ClusterService,
    private readonly pattern: Pattern,
    private readonly counter: Counter,
  ) {}

  @OnClusterMessage(STREAMS[0])
  @OnClusterMessage(STREAMS[1])
  @OnClusterMessage(STREAMS[2])
  @OnClusterMessage(STREAMS[3])
  stream(message: SoakMessage, context: MessageContext): SoakAnswer | Promise<SoakAnswer> {
    this.take(message, context);
    const { stalled } = this;
    return stalled ? stalled.then(() => this.answer(message, context)) : this.answer(message, context);
  }

  stall(): void {
    this.stalled ??= new Promise((resolve) => (this.unstallNow = resolve));
  }

  unstall(): void {
    this.stalled = undefined;
    this.unstallNow();
  }

  @OnClusterMessage(SLOW)
  async slow(message: SoakMessage, context: MessageContext): Promise<SoakAnswer> {
    this.take(message, context);
    const ms = (message.number * 7_919) % SLOWEST_MS;
    // It keeps no process alive that is told to end.
    await new Promise((resolve) => void setTimeout(resolve, ms).unref());
    return this.answer(message, context);
  }

  @OnClusterMessage(NEVER)
  never(message: SoakMessage, context: MessageContext): Promise<void> {
    this.take(message, context);
    return new Promise(() => {});
  }

  @OnClusterMessage(THROWS)
  throws(message: SoakMessage, context: MessageContext): Promise<never> {
    this.take(message, context);
    const error = new RangeError(thrownText(message));
    if (message.number % 2 === 0) throw error;
    return Promise.reject(error);
  }

  @OnClusterMessage(UNSENDABLE_ANSWER)
  unsendable(message: SoakMessage, context: MessageContext): unknown {
    this.take(message, context);
    return { of: message.number, how: () => message };
  }

  @OnClusterMessage(AMBIGUOUS)
  one(): string {
    return 'one';
  }

  @OnClusterMessage(AMBIGUOUS)
  another(): string {
    return 'another';
  }

  private take(message: SoakMessage, { peer, topic }: MessageContext): void {
    const { from, number, by, bytes } = message;
    this.counter.handled += 1;
    this.counter.handledBytes += bytes.length;
    if (by === 'send') increment(this.counter.handledFrom, from);
    this.order.handled(from, topic, number);
    const what = `message ${number} of ${from} on ${topic}`;
    if (from !== peer.bootId) tell({ type: 'fault', text: `${what} came as one of ${peer.bootId}` });
    if (!this.pattern.isRight(number, bytes.length, bytes))
      tell({ type: 'fault', text: `${what} arrived with other bytes` });
  }

  private answer({ from, number, answerBytes }: SoakMessage, { topic }: MessageContext): SoakAnswer {
    const bytes = this.pattern.bytes(number, answerBytes);
    return { from: this.cluster.self.bootId, to: from, topic, number, bytes };
  }
}
