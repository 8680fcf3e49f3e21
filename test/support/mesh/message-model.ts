import fc from 'fast-check';
import type { Outbox } from '../../../lib/mesh/transport/outbox.js';
import { DEFAULT_LIMITS, type LimitOptions } from '../../../lib/peerage.options.js';
import { addressOf, MessageWorld, type TalkingNode } from './message-world.js';

/** What its sender was told of a message: `handed`, `answered`, or the code of an error. */
export type Outcome = string;

/** All that the model knows of a message: who sent it to whom, and what was said and seen of it. */
export interface Message {
  readonly from: string;
  readonly to: string;
  readonly topic: string;
  readonly bytes: number;
  readonly answerBytes?: number;
  /** What its promise did, each time. */
  readonly outcomes: Outcome[];
  /** Boot ids of those that handled it, in the order in which they did. */
  readonly handledBy: string[];
}

interface Body {
  readonly n: number;
  readonly fill: Buffer;
  readonly answerBytes: number;
}

/** A node under one name, over its restarts. */
interface Place {
  readonly index: number;
  readonly limits: LimitOptions;
  node: TalkingNode;
  /** While it stalls: its handlers wait for this. */
  gate: Promise<void> | undefined;
  open: () => void;
  /** Running handlers, by the boot id of the sender. */
  running: Map<string, number>;
}

const TOPICS = ['x', 'y'];

/** A message is longer than what it is filled with, by no more than this. */
const MAX_HEAD_BYTES = 150;
const ASK = 'ask';

/** They differ in all that nodes tell each other. */
const LIMITS: Partial<LimitOptions>[] = [
  {
    messageBytes: 400_000,
    frameBytes: 100_000,
    sendQueueBytes: 600_000,
    handlers: 8,
    receiveQueueBytes: 60_000,
  },
  {
    messageBytes: 150_000,
    frameBytes: 20_000,
    sendQueueBytes: 200_000,
    handlers: 3,
    receiveQueueBytes: 20_000,
  },
  {
    messageBytes: 300_000,
    frameBytes: 300_000,
    sendQueueBytes: 400_000,
    handlers: 1,
    receiveQueueBytes: 500_000,
  },
];

/** What a queue holds beyond what it counts: a slab at each end, and what the last write took. */
const SLACK_BYTES = 4 * 140_000;

/** Three nodes that talk, and what must hold of it whatever happens to them. */
export class MessageModel {
  readonly world = new MessageWorld();
  readonly messages: Message[] = [];
  /** Numbers of messages in the order in which one boot id handled those of another, a topic each. */
  readonly orders = new Map<string, number[]>();
  readonly places: Place[] = [];
  private readonly faults: string[] = [];

  async start(): Promise<void> {
    for (const [index, limits] of LIMITS.entries()) {
      const node = await this.world.node({ limits });
      this.places.push({ index, limits: { ...DEFAULT_LIMITS, ...limits }, node, ...fresh() });
      await this.join(this.places[index]!);
    }
    await this.world.until(() => this.places.every(({ node }) => node.mesh.peers.length === 2));
  }

  send(from: number, to: number, topic: string, bytes: number): void {
    const [sender, receiver] = [this.places[from]!, this.places[to]!];
    const message = this.note(sender, receiver, topic, bytes);
    const body = this.body(message);
    follow(sender.node.messaging.send(receiver.node.name, topic, body), message, 'handed');
    void this.check(sender, receiver, message);
  }

  broadcast(from: number, topic: string, bytes: number): void {
    const sender = this.places[from]!;
    // One number for all: each receiver handles it once at most.
    const message = this.note(sender, undefined, topic, bytes);
    try {
      sender.node.messaging.broadcast(topic, this.body(message));
      message.outcomes.push('handed');
    } catch (error) {
      message.outcomes.push((error as { code: string }).code);
    }
  }

  request(from: number, to: number, bytes: number, answerBytes: number): void {
    const [sender, receiver] = [this.places[from]!, this.places[to]!];
    const message = this.note(sender, receiver, ASK, bytes, answerBytes);
    const asked = sender.node.messaging.request(receiver.node.name, ASK, this.body(message));
    follow(asked, message, 'answered');
    void this.check(sender, receiver, message);
  }

  stall(index: number): void {
    const place = this.places[index]!;
    place.gate ??= new Promise((resolve) => (place.open = resolve));
  }

  resume(index: number): void {
    const place = this.places[index]!;
    place.gate = undefined;
    place.open();
  }

  cut(a: number, b: number): void {
    this.world.network.cut(this.address(a), this.address(b));
  }

  reset(a: number, b: number): void {
    this.world.network.reset(this.address(a), this.address(b));
  }

  /** Its process is killed; another one starts in its place. */
  async restart(index: number): Promise<void> {
    const place = this.places[index]!;
    const { port, messaging } = place.node;
    await this.world.crash(place.node);
    messaging.stop();
    this.resume(index);
    place.node = await this.world.node({ limits: LIMITS[index]!, port });
    Object.assign(place, fresh());
    await this.join(place);
  }

  /** What holds at any moment. */
  assertBounds(): void {
    for (const { node, limits } of this.places)
      for (const outbox of outboxesOf(node)) {
        if (outbox.bytes > 2 * limits.sendQueueBytes + 64 * 1024) this.faults.push('a queue is too long');
        if (outbox.heldBytes > 2 * outbox.bytes + SLACK_BYTES)
          this.faults.push('a queue holds too much memory');
      }
    if (this.faults.length > 0) throw new Error(this.faults.join('\n'));
  }

  /** All is well again, and everything ends. Then what the model says must have become of every message. */
  async settle(): Promise<void> {
    this.world.network.heal();
    for (const { index } of this.places) this.resume(index);
    await this.world.until(() => this.places.every(({ node }) => node.mesh.peers.length === 2), 60_000);
    await this.world.pass(15_000);
    for (const message of this.messages) this.judge(message);
    for (const [way, numbers] of this.orders)
      if (numbers.some((n, i) => i > 0 && n <= numbers[i - 1]!))
        this.faults.push(`${way}: ${numbers.join()}`);
    this.assertBounds();
    await this.assertFlow();
  }

  /** Every way is open, and as wide as on the first day: more than any window goes through. */
  private async assertFlow(): Promise<void> {
    const before = this.messages.length;
    for (let round = 0; round < 30; round++) {
      for (const [from, to] of WAYS) this.send(from, to, 'x', 10_000);
      for (const [from, to] of WAYS) this.request(from, to, 100, 100);
      await this.world.pass(20);
    }
    await this.world.pass(1_000);
    for (const { handledBy, outcomes, from, to } of this.messages.slice(before))
      if (handledBy.length !== 1 || outcomes.length !== 1) this.faults.push(`${from} -> ${to}: no flow`);
    this.assertBounds();
  }

  private judge({ outcomes, handledBy, topic, to, ...rest }: Message): void {
    const [outcome = 'nothing'] = outcomes;
    const shown = `${topic} to ${to || 'all'} ${JSON.stringify(rest)}: ${outcomes.join()}, handled by ${handledBy.join()}`;
    const isTwice = new Set(handledBy).size < handledBy.length || (to !== '' && handledBy.length > 1);
    // The answer to a request may have found no room.
    const mayBeHandled = !REFUSED.has(outcome) || (topic === ASK && outcome === 'OVERLOADED');
    const isKnown = (topic === ASK ? ASK_OUTCOMES : SEND_OUTCOMES).has(outcome) || REFUSED.has(outcome);
    if (isTwice) this.faults.push(`handled twice: ${shown}`);
    if (outcomes.length !== 1) this.faults.push(`told ${outcomes.length} times: ${shown}`);
    else if (!isKnown) this.faults.push(`no such end: ${shown}`);
    else if (handledBy.length > 0 && !mayBeHandled) this.faults.push(`handled though refused: ${shown}`);
    else if (handledBy.length === 0 && outcome === 'answered')
      this.faults.push(`answered by nobody: ${shown}`);
  }

  /** What is too long for the receiver is refused in the same turn, and nothing else is for its length. */
  private async check(sender: Place, receiver: Place, message: Message): Promise<void> {
    const most = Math.min(sender.limits.messageBytes, receiver.limits.messageBytes);
    const isLong = message.bytes - MAX_HEAD_BYTES > most;
    const isShort = message.bytes <= most;
    const isPeer = sender.node.mesh.peers.some(({ name }) => name === receiver.node.name);
    for (let i = 0; i < 5; i++) await Promise.resolve();
    const isRefused = message.outcomes[0] === 'INVALID_MESSAGE';
    // Its queue may be full already: then nobody looks at how long the message is.
    if (isPeer && isLong && !isRefused && message.outcomes[0] !== 'OVERLOADED')
      this.faults.push(`${message.bytes} bytes were not refused at once: ${message.outcomes.join()}`);
    if (isShort && isRefused) this.faults.push(`${message.bytes} bytes were refused for nothing`);
  }

  private note(
    from: Place,
    to: Place | undefined,
    topic: string,
    bytes: number,
    answerBytes?: number,
  ): Message {
    const message: Message = {
      from: from.node.mesh.self.bootId,
      to: to?.node.name ?? '',
      topic,
      bytes,
      ...(answerBytes !== undefined && { answerBytes }),
      outcomes: [],
      handledBy: [],
    };
    this.messages.push(message);
    return message;
  }

  private body({ bytes, answerBytes = 0 }: Message): Body {
    return {
      n: this.messages.length - 1,
      fill: Buffer.alloc(Math.max(0, bytes - MAX_HEAD_BYTES)),
      answerBytes,
    };
  }

  private async join(place: Place): Promise<void> {
    const { node } = place;
    for (const topic of [...TOPICS, ASK])
      node.messaging.handle(topic, async (body: Body, { peer }) =>
        this.handle(place, node, topic, body, peer.bootId),
      );
    await node.mesh.start();
    const others = this.places.filter((other) => other !== place).map((other) => other.node.name);
    void node.mesh.found(others, { provider: 'list', as: 'answer' });
  }

  private async handle(
    place: Place,
    node: TalkingNode,
    topic: string,
    { n, answerBytes }: Body,
    from: string,
  ): Promise<unknown> {
    const self = node.mesh.self.bootId;
    const { running } = place;
    this.messages[n]!.handledBy.push(self);
    const way = `${from} -> ${self} ${topic}`;
    this.orders.set(way, [...(this.orders.get(way) ?? []), n]);
    running.set(from, (running.get(from) ?? 0) + 1);
    if (running.get(from)! > place.limits.handlers)
      this.faults.push(`${running.get(from)} handlers run at once`);
    let isOver = false;
    const over = (): void => {
      if (!isOver) running.set(from, running.get(from)! - 1);
      isOver = true;
    };
    // Longer ones count no more.
    const cancel = this.world.clock.after(30_000, over);
    await place.gate;
    if (n % 3 === 0) await new Promise<void>((resolve) => void this.world.clock.after(n % 7, resolve));
    cancel();
    over();
    return Buffer.alloc(answerBytes);
  }

  private address(index: number): string {
    return addressOf(this.places[index]!.node);
  }
}

const WAYS = [0, 1, 2].flatMap((from) =>
  [0, 1, 2].flatMap((to) => (from === to ? [] : [[from, to] as const])),
);

/** The message was refused. */
const REFUSED = new Set<Outcome>(['INVALID_MESSAGE', 'OVERLOADED', 'NO_SUCH_PEER']);
const SEND_OUTCOMES = new Set<Outcome>(['handed', 'CONNECTION_LOST', 'PEER_GONE', 'NOT_RUNNING']);
const ASK_OUTCOMES = new Set<Outcome>([
  'answered',
  'CONNECTION_LOST',
  'PEER_GONE',
  'NOT_RUNNING',
  'REQUEST_TIMEOUT',
  // The answer is longer than the one who asked takes.
  'REMOTE_ERROR',
]);

function fresh(): Pick<Place, 'gate' | 'open' | 'running'> {
  return { gate: undefined, open: () => {}, running: new Map() };
}

function follow(promise: Promise<unknown>, message: Message, success: Outcome): void {
  promise.then(
    () => message.outcomes.push(success),
    (error: { code?: string }) => message.outcomes.push(error.code ?? 'no PeerageError'),
  );
}

function outboxesOf({ mesh }: TalkingNode): Iterable<Outbox> {
  const { messages } = mesh as unknown as { messages: { outboxes: Map<string, Outbox> } };
  return messages.outboxes.values();
}

const place = fc.integer({ min: 0, max: 2 });
const two = fc.constantFrom(...WAYS);
const topic = fc.constantFrom(...TOPICS);
const size = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 200, max: 3_000 }) },
  { weight: 3, arbitrary: fc.integer({ min: 3_000, max: 70_000 }) },
  fc.integer({ min: 70_000, max: 500_000 }),
);

type Step = (model: MessageModel) => void | Promise<void>;

/** One thing that happens, as it is shown when a run fails. */
function command(name: string, step: Step): fc.AsyncCommand<object, MessageModel> {
  return {
    check: () => true,
    run: async (_, model) => {
      await step(model);
      // Promises that are settled by now say so.
      await model.world.pass(0);
      model.assertBounds();
    },
    toString: () => name,
  };
}

/** What may happen to nodes that talk. */
export const happenings: fc.Arbitrary<fc.AsyncCommand<object, MessageModel>>[] = [
  fc
    .record({ two, topic, size, times: fc.constantFrom(1, 1, 5, 40) })
    .map(({ two: [a, b], topic: t, size: s, times }) =>
      command(`send ${a} ${b} ${t} ${s} x${times}`, (model) => {
        for (let i = 0; i < times; i++) model.send(a, b, t, s);
      }),
    ),
  fc
    .record({ two, size, answer: size, times: fc.constantFrom(1, 1, 5, 20) })
    .map(({ two: [a, b], size: s, answer, times }) =>
      command(`request ${a} ${b} ${s} for ${answer} x${times}`, (model) => {
        for (let i = 0; i < times; i++) model.request(a, b, s, answer);
      }),
    ),
  fc
    .record({ place, topic, size })
    .map(({ place: a, topic: t, size: s }) =>
      command(`broadcast ${a} ${t} ${s}`, (model) => model.broadcast(a, t, s)),
    ),
  fc
    .constantFrom(0, 1, 3, 20, 200, 1_000, 3_000)
    .map((ms) => command(`pass ${ms}`, (model) => model.world.pass(ms))),
  two.map(([a, b]) => command(`cut ${a} ${b}`, (model) => model.cut(a, b))),
  fc.constant(command('heal', (model) => model.world.network.heal())),
  two.map(([a, b]) => command(`reset ${a} ${b}`, (model) => model.reset(a, b))),
  place.map((a) => command(`stall ${a}`, (model) => model.stall(a))),
  place.map((a) => command(`resume ${a}`, (model) => model.resume(a))),
  place.map((a) => command(`restart ${a}`, (model) => model.restart(a))),
];
