import { PeerageError } from '../errors/peerage-error.js';
import type { Mesh } from '../mesh/mesh.js';
import type { Recipient } from '../messaging/message.types.js';
import type { Messaging } from '../messaging/messaging.js';
import type { Clock } from '../time/clock.js';
import { sleep } from '../time/waiting.js';
import type { NewsScope, RunAnswer, RunDirective, RunInput, RunNews, RunQuestion } from './core/run.types.js';
import {
  RUNS_TOPIC,
  answerBody,
  newsBody,
  portionsOf,
  questionBody,
  readAnswer,
  readNews,
  readQuestion,
} from './runs-wire.js';

/** An answer that takes longer is asked for again. */
const ANSWER_MS = 2_000;
/** What was run is told again after this. */
const TELL_RETRY_MS = 1_000;

type Tell = Extract<RunDirective, { type: 'tell' }>;
type Answered = Extract<RunInput, { type: 'answered' }>;

interface RunMessagesParts {
  readonly mesh: Pick<Mesh, 'peers'>;
  readonly messaging: Messaging;
  readonly clock: Clock;
  /** Is told of what others tell, and answer. */
  readonly hear: (input: RunInput) => void;
  readonly answer: (from: string, question: RunQuestion) => RunAnswer;
}

/** What nodes ask and tell each other of runs. */
export class RunMessages {
  constructor(private readonly parts: RunMessagesParts) {}

  open(): void {
    this.parts.messaging.handleEarly(RUNS_TOPIC, (body: unknown, { peer }) =>
      this.received(peer.bootId, body),
    );
  }

  async ask(to: string, question: RunQuestion): Promise<void> {
    this.parts.hear({ type: 'answered', from: to, question, answer: await this.answerOf(to, question) });
  }

  async tell({ to, news, scope }: Tell): Promise<void> {
    const { mesh, messaging } = this.parts;
    if (to !== undefined && scope !== 'some') return this.tellAll(to, news, scope);
    const body = newsBody(news, scope);
    // What does not arrive is asked for.
    for (const peer of mesh.peers)
      if (to === undefined || to === peer.bootId) messaging.send(peer, RUNS_TOPIC, body).catch(() => {});
  }

  /** The last message says that it was all. */
  private async tellAll(to: string, news: readonly RunNews[], scope: NewsScope): Promise<void> {
    const portions = portionsOf(news);
    for (const [i, portion] of portions.entries())
      await this.tellSurely(to, newsBody(portion, i < portions.length - 1 ? 'some' : scope));
  }

  private async answerOf(to: string, question: RunQuestion): Promise<Answered['answer']> {
    const { messaging, clock } = this.parts;
    const peer = this.peer(to);
    if (!peer) return sleep(0, undefined, clock).then(() => undefined);
    try {
      return readAnswer(
        await messaging.request(peer, RUNS_TOPIC, questionBody(question), { timeoutMs: ANSWER_MS }),
      );
    } catch (error) {
      return error instanceof PeerageError && error.code === 'NO_HANDLER' ? 'mute' : undefined;
    }
  }

  private received(from: string, body: unknown): unknown {
    const question = readQuestion(body);
    if (question) return answerBody(this.parts.answer(from, question));
    const told = readNews(body);
    if (told) this.parts.hear({ type: 'told', from, ...told });
    return undefined;
  }

  /** Nobody asks for what was run before they met, and a connection may break that has taken it. */
  private async tellSurely(to: string, body: unknown): Promise<void> {
    const { messaging, clock } = this.parts;
    for (;;) {
      const peer = this.peer(to);
      if (!peer) return;
      try {
        await messaging.request(peer, RUNS_TOPIC, body, { timeoutMs: ANSWER_MS });
        return;
      } catch (error) {
        const isOver = error instanceof PeerageError && ['NO_HANDLER', 'NOT_RUNNING'].includes(error.code);
        if (isOver) return;
        await sleep(TELL_RETRY_MS, undefined, clock);
      }
    }
  }

  private peer(id: string): Recipient | undefined {
    return this.parts.mesh.peers.find(({ bootId }) => bootId === id);
  }
}
