import { Inject, Injectable, Logger } from '@nestjs/common';
import { PeerageError } from '../errors/peerage-error.js';
import { describeError, stackOf } from '../errors/thrown.js';
import type { PeerEvent } from '../membership/events.js';
import type { Mesh } from '../mesh/mesh.js';
import { Gate } from '../messaging/gate.js';
import { Messaging } from '../messaging/messaging.js';
import { rank } from '../ownership/core/rendezvous.js';
import { Ownership } from '../ownership/ownership.service.js';
import { LOG_CONTEXT, PEERAGE_CLOCK, PEERAGE_MESH, PEERAGE_SETTINGS } from '../peerage.constants.js';
import type { PeerageSettings } from '../peerage.options.js';
import { Presence } from '../presence/presence.service.js';
import type { Clock } from '../time/clock.js';
import { dateMs, every } from '../time/clock.js';
import { Runs } from './core/runs.js';
import { STALL_MS, WAKE_MS, keyText } from './core/run.types.js';
import type {
  RunAnswer,
  RunDirective,
  RunInput,
  RunKey,
  RunQuestion,
  RunRules,
  RunView,
} from './core/run.types.js';
import type { Job } from './job.js';
import { DEFAULT_LATE_MS } from './job.js';
import type { RunContext, Runner } from './run-once.decorator.js';
import type { JobStats, OnceOptions, OnceResult } from './run.events.js';
import { ONCE, checkOnce } from './run-checks.js';
import { RunMessages } from './run-messages.js';
import { RunReports, contextOf } from './run-reports.js';
import { claimIn, missedOf } from './store-questions.js';

/** Names of nodes that are gone, for events. */
const MAX_NAMES = 1_000;

type Skipped = Extract<RunDirective, { type: 'skip' }>;

/** Whoever has something to run once. */
interface Waiter {
  readonly rules: RunRules;
  readonly call: (context: RunContext) => unknown;
  readonly done: (value: unknown) => void;
  readonly failed: (error: unknown) => void;
  readonly skipped: (skip: Skipped) => void;
}

/** Runs what is due on one of the nodes: the core, with messages, time and the app's methods. */
@Injectable()
export class RunsService {
  private readonly log = new Logger(LOG_CONTEXT);
  private readonly reports: RunReports;
  private readonly core: Runs;
  private readonly messages: RunMessages;
  private readonly jobs = new Map<string, Job>();
  private readonly calls = new Map<string, Waiter['call']>();
  private readonly waiters = new Map<string, Waiter[]>();
  private readonly names = new Map<string, string>();
  private readonly tracked: { untrack(): void }[] = [];
  /** Aborts when this node has stopped. */
  private readonly ended = new AbortController();
  /** By how much the date is ahead of the clock. */
  private dateAheadMs: number;
  private endWaking: () => void = () => {};

  constructor(
    @Inject(PEERAGE_MESH) private readonly mesh: Mesh,
    private readonly messaging: Messaging,
    private readonly gate: Gate,
    private readonly ownership: Ownership,
    private readonly presence: Presence,
    @Inject(PEERAGE_CLOCK) private readonly clock: Clock,
    @Inject(PEERAGE_SETTINGS) settings: PeerageSettings,
  ) {
    this.dateAheadMs = dateMs(clock) - clock.now();
    this.reports = new RunReports(this.log, () => dateMs(clock));
    this.core = new Runs(this.viewWith(settings));
    const hear = (input: RunInput): void => this.input(input);
    const answer = (from: string, question: RunQuestion): RunAnswer => this.answer(from, question);
    this.messages = new RunMessages({ mesh, messaging, clock, hear, answer });
  }

  get runs$(): RunReports['runs$'] {
    return this.reports.runs$;
  }

  get totals(): RunReports['totals'] {
    return this.reports.totals;
  }

  /** What became of each job here: of those that this node has, and of those that others told of. */
  get jobStats(): readonly JobStats[] {
    return this.reports.jobs.snapshot();
  }

  get dateMs(): number {
    return dateMs(this.clock);
  }

  /**
   * @returns what the schedule calls
   * @throws PeerageError `INVALID_OPTIONS` when two methods of the app have one name
   */
  add(job: Job, call: Waiter['call']): Runner {
    if (this.jobs.has(job.name))
      throw new PeerageError(
        'INVALID_OPTIONS',
        `@RunOnce(): two methods are the job "${job.name}". Give one of them another name: @RunOnce({ name: '…' }).`,
      );
    this.jobs.set(job.name, job);
    this.reports.jobs.add(job.name);
    this.calls.set(job.name, call);
    this.tracked.push(this.presence.of('$jobs').track(job.name, null));
    return (due) => this.fire(job, due);
  }

  /** This node is a real one, and answers others. */
  open(): void {
    this.mesh.subscribe((event) => this.hear(event));
    this.presence.of('$jobs').changes$.subscribe(() => this.input({ type: 'view' }));
    this.messages.open();
  }

  start(): void {
    this.endWaking = every(this.clock, WAKE_MS, () => this.input({ type: 'wake' }));
    // The schedules of the app begin when it has bootstrapped.
    const catchUp = () => this.gate.pass(() => void [...this.jobs.values()].map((job) => this.catchUp(job)));
    void this.ownership.settled.then(catchUp, () => {});
  }

  /** What is due from now on is for others. */
  leave(): void {
    this.input({ type: 'leave' });
    for (const entry of this.tracked.splice(0)) entry.untrack();
  }

  stop(): void {
    this.endWaking();
    this.ended.abort();
    this.input({ type: 'stop' });
    this.reports.complete();
  }

  /** The schedule has called a decorated method: one that is late as it begins does so before its job is in the registry. */
  private async fire(job: Job, call: Waiter['call']): Promise<unknown> {
    const nowMs = dateMs(this.clock);
    await Promise.resolve();
    const { dueMs, lateByMs } = job.dues.fired(nowMs);
    return this.due({ job: job.name, dueMs }, job.rules, lateByMs, call);
  }

  async once<T>(name: string, call: () => T | Promise<T>, options: OnceOptions): Promise<OnceResult<T>> {
    checkOnce(name, call, options);
    const { ttlMs, onLoss = 'skip', lateMs = DEFAULT_LATE_MS } = options;
    const sharing = { spread: false, isDirect: true, isOnce: true, isStored: false };
    const rules = { onLoss, lateMs, keepMs: ttlMs, ...sharing };
    const key = { job: `${ONCE}${name}`, dueMs: 0 };
    return new Promise((resolve, reject) => {
      this.wait(key, 0, {
        rules,
        call,
        done: (value) => resolve({ ran: true, value: value as T }),
        failed: reject,
        skipped: ({ by, reason }) => resolve({ ran: false, by: this.nameOf(by), reason }),
      });
    });
  }

  private due(key: RunKey, rules: RunRules, lateByMs: number, call: Waiter['call']): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const skipped = () => resolve(undefined);
      this.wait(key, lateByMs, { rules, call, done: resolve, failed: reject, skipped });
    });
  }

  private wait(key: RunKey, lateByMs: number, waiter: Waiter): void {
    const text = keyText(key);
    const waiters = this.waiters.get(text);
    if (waiters) waiters.push(waiter);
    else this.waiters.set(text, [waiter]);
    this.input({ type: 'due', key, rules: waiter.rules, lateByMs });
  }

  private input(input: RunInput): void {
    if (this.wasPaused()) this.handle({ type: 'stood' });
    this.handle(input);
  }

  /** While a machine is paused its date goes on, and its clock may not. */
  private wasPaused(): boolean {
    const aheadMs = dateMs(this.clock) - this.clock.now();
    const byMs = aheadMs - this.dateAheadMs;
    this.dateAheadMs = aheadMs;
    return byMs >= STALL_MS;
  }

  private handle(input: RunInput): void {
    for (const directive of this.core.handle(input, this.clock.now())) this.perform(directive);
    if (this.core.knowsRuns) this.mesh.notBlank();
  }

  private perform(directive: RunDirective): void {
    switch (directive.type) {
      case 'ask':
        return void this.messages.ask(directive.to, directive.question);
      case 'tell':
        return void this.messages.tell(directive);
      case 'store':
        return void this.store(directive.key, directive.untilMs);
      case 'run':
        return void this.run(directive.key);
      case 'skip':
        return this.skip(directive);
      case 'duplicate': {
        const by = directive.by.map((id) => this.nameOf(id) ?? id) as [string, string];
        return this.reports.tell(directive.key, { type: 'duplicate', by });
      }
    }
  }

  private async run(key: RunKey): Promise<void> {
    const [waiter, ...others] = this.waiters.get(keyText(key)) ?? [];
    this.waiters.delete(keyText(key));
    if (!waiter) return;
    const { work } = this.messaging;
    const startedMs = this.clock.now();
    const { isOnce } = waiter.rules;
    const hasEnded = this.jobs.get(key.job)?.dues.begins(key.dueMs);
    work.begin();
    this.reports.tell(key, { type: 'started' });
    // They hear how it ends.
    for (const other of others) this.wait(key, 0, other);
    let error: unknown;
    let hasFailed = false;
    try {
      waiter.done(await waiter.call(contextOf(key)));
    } catch (thrown) {
      [error, hasFailed] = [thrown, true];
      waiter.failed(thrown);
    } finally {
      const tookMs = this.clock.now() - startedMs;
      hasEnded?.(dateMs(this.clock));
      this.reports.tell(key, { type: 'finished', tookMs, ...(hasFailed && { error }) });
      this.input({ type: 'ended', key, isReleased: isOnce && hasFailed });
      work.end();
    }
  }

  private skip(skip: Skipped): void {
    const { key, reason, by } = skip;
    const waiters = this.waiters.get(keyText(key)) ?? [];
    this.waiters.delete(keyText(key));
    const name = this.nameOf(by);
    this.reports.tell(key, { type: 'skipped', reason, ...(name !== undefined && { by: name }) });
    for (const waiter of waiters) waiter.skipped(skip);
  }

  private answer(from: string, question: RunQuestion): RunAnswer {
    const { answer, directives } = this.core.answer(from, question, this.clock.now());
    if (this.core.knowsRuns) this.mesh.notBlank();
    // The answer goes first.
    queueMicrotask(() => {
      for (const directive of directives) this.perform(directive);
    });
    return answer;
  }

  private async store(key: RunKey, untilMs: number): Promise<void> {
    const store = this.jobs.get(key.job)?.options.store;
    if (!store) return;
    const { work } = this.messaging;
    const own = `${this.mesh.self.name} ${this.mesh.self.bootId}`;
    // A node that shuts down waits for the answer: it may have the run.
    work.begin();
    const [name = '', id] = (await claimIn(store, key, own, untilMs, this.storeParts))?.split(' ') ?? [];
    if (id !== undefined) this.name(id, name);
    this.input({ type: 'stored', key, by: id });
    work.end();
  }

  /** What was due last, when nothing ran. */
  private async catchUp(job: Job): Promise<void> {
    const dueMs = await missedOf(job, this.storeParts);
    const call = this.calls.get(job.name);
    if (dueMs === undefined || !call) return;
    const key = { job: job.name, dueMs };
    try {
      await this.due(key, job.rules, 0, call);
    } catch (error) {
      // No schedule has called, which would say so.
      this.log.error(`${contextOf(key).key} failed: ${describeError(error)}`, stackOf(error));
    }
  }

  private get storeParts() {
    const { clock, log } = this;
    return { clock, log, signal: this.ended.signal };
  }

  private hear(event: PeerEvent): void {
    if (event.type === 'peer.refused') return;
    const { bootId, name } = event.peer;
    this.name(bootId, name);
    if (event.type === 'peer.up')
      this.input({ type: 'up', id: bootId, metBlank: this.mesh.metBlank(bootId) });
    else if (event.type === 'peer.down') this.input({ type: 'down', id: bootId });
    else this.input({ type: 'view' });
  }

  private name(id: string, name: string): void {
    this.names.delete(id);
    this.names.set(id, name);
    if (this.names.size > MAX_NAMES) this.names.delete(this.names.keys().next().value!);
  }

  private nameOf(id: string | undefined): string | undefined {
    if (id === undefined) return undefined;
    return id === this.mesh.self.bootId ? this.mesh.self.name : (this.names.get(id) ?? id);
  }

  private viewWith({ quorum }: PeerageSettings): RunView {
    const { mesh, ownership, presence, jobs, clock } = this;
    return {
      get self() {
        return mesh.self.bootId;
      },
      get isSettled() {
        return ownership.isSettled;
      },
      get peers() {
        return mesh.peers.map(({ bootId, status }) => ({ id: bootId, status }));
      },
      having: (job) =>
        presence
          .of('$jobs')
          .nodes(job)
          .map(({ bootId }) => bootId),
      willFire: ({ job, dueMs }) => jobs.get(job)?.dues.willFire(dueMs) ?? false,
      passesOver: ({ job, dueMs }) => jobs.get(job)?.dues.passesOver(dueMs, dateMs(clock)) ?? false,
      rank,
      quorum: quorum === undefined ? 1 : Math.floor(quorum.of / 2) + 1,
      bornAtMs: dateMs(this.clock),
    };
  }
}
