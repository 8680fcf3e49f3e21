import { Claim, awaitsEnd, firstInOrder, isYoungFor, pendingRun } from './claim.js';
import type { PendingRun } from './claim.js';
import { Ledger } from './ledger.js';
import type { LedgerEntry } from './ledger.js';
import { KEEP_MS, MAX_AGE_MS, NUDGE_MS, PRUNE_MS, WAKE_MS, keyText } from './run.types.js';
import type {
  Answered,
  ClaimQuestion,
  HeldAnswer,
  NewsScope,
  Remembering,
  RunAnswer,
  RunDirective,
  RunInput,
  RunKey,
  RunNews,
  RunQuestion,
  RunRules,
  RunState,
  RunView,
  RunWord,
  SkipReason,
} from './run.types.js';
import { Standstill } from './standstill.js';

/**
 * Which node runs what is due: the first in rendezvous order claims it from all others. Each node grants a run to one
 * claimant, until that one gives it back; of two that claim it at once, the one that is behind in the order of this
 * run does. When all have granted it, it is run, and that is told to all.
 *
 * Pure: it is told what happens, with the time, and returns what is to be done.
 */
export class Runs {
  private readonly ledger = new Ledger(() => this.view.self);
  private readonly pending = new Map<string, PendingRun>();
  private directives: RunDirective[] = [];
  private nowMs = 0;
  private readonly standstill = new Standstill();
  private isLeaving = false;
  private attempts = 0;
  /** Peers that have told what was run before they came, or had nothing to tell. */
  private readonly heard = new Set<string>();
  private prunedAtMs = -Infinity;

  constructor(private readonly view: RunView) {}

  /** Whether a newcomer has to be told of runs. */
  get knowsRuns(): boolean {
    return this.ledger.size > 0;
  }

  handle(input: RunInput, nowMs: number): readonly RunDirective[] {
    this.moveTo(nowMs);
    this.take(input);
    return this.flush();
  }

  /** Another node asks. */
  answer(from: string, question: RunQuestion, nowMs: number): Answered {
    this.moveTo(nowMs);
    const answer = question.type === 'claim' ? this.grant(from, question) : this.willClaim(question.key);
    return { answer, directives: this.flush() };
  }

  private take(input: RunInput): void {
    switch (input.type) {
      case 'due':
        return this.due(input.key, input.rules, input.lateByMs);
      case 'answered':
        return input.question.type === 'claim'
          ? this.claimAnswered(input.from, input.question, input.answer)
          : this.willAnswered(input.from, input.question.key, input.answer);
      case 'told':
        return this.hear(input.from, input.news, input.scope);
      case 'stored':
        return this.stored(input.key, input.by);
      case 'ended':
        return this.tellOwn(input.key, input.isReleased ? 'released' : 'done');
      case 'up':
        if (input.metBlank) this.heard.add(input.id);
        this.ledger.find(input.id, this.nowMs);
        if (!input.metBlank || this.knowsRuns) this.tellAll(input.id, 'all');
        return this.evaluateAll();
      case 'down':
        return this.down(input.id);
      case 'view':
        return this.evaluateAll();
      case 'stood':
        return this.stalled();
      case 'leave':
      case 'stop':
        return this.leave(input.type === 'stop');
      case 'wake':
        return this.wake();
    }
  }

  private moveTo(nowMs: number): void {
    this.nowMs = nowMs;
    if (this.standstill.isNoticed(nowMs)) this.stalled();
  }

  private wake(): void {
    this.standstill.woken(this.nowMs);
    if (this.nowMs - this.prunedAtMs >= PRUNE_MS) {
      this.prunedAtMs = this.nowMs;
      this.ledger.prune(this.nowMs);
    }
    this.evaluateAll();
  }

  /** It claims nothing for a while. */
  private stalled(): void {
    this.standstill.ended(this.nowMs);
    for (const run of this.pending.values()) if (!run.claim?.isStoring) this.giveUp(run);
  }

  private due(key: RunKey, rules: RunRules, lateByMs: number): void {
    if (lateByMs > MAX_AGE_MS) return this.skip(key, 'stale');
    const text = keyText(key);
    if (this.pending.has(text)) return;
    const run = pendingRun(key, rules, this.nowMs);
    this.pending.set(text, run);
    this.evaluate(run);
  }

  private evaluateAll(): void {
    for (const run of [...this.pending.values()]) this.evaluate(run);
  }

  private evaluate(run: PendingRun): void {
    const entry = this.ledger.get(run.key, this.nowMs);
    if (run.claim) return this.pursue(run, run.claim);
    if (this.isLeaving) return this.settle(run, 'leaving');
    const { view, nowMs } = this;
    // While it is under way it grows no older: when it is lost it may be rerun, however long that took.
    if (entry?.state === 'started' && this.isPeer(entry.holder)) run.sinceMs = nowMs;
    if (nowMs - run.sinceMs > MAX_AGE_MS && !run.rules.isOnce) return this.settle(run, 'stale');
    if (entry) return this.wait(run, entry);
    if (!this.mayClaim(run)) return undefined;
    const first = firstInOrder(run, view, nowMs);
    if (first === view.self) return this.claim(run);
    // This node has the job no more, nor has anybody else.
    return first === undefined ? this.settle(run, 'leaving') : this.nudge(run, first);
  }

  private mayClaim({ notBeforeMs }: PendingRun): boolean {
    const { view, standstill, nowMs } = this;
    return view.isSettled && standstill.isCalm(nowMs) && nowMs >= notBeforeMs;
  }

  /** Somebody has it. */
  private wait(run: PendingRun, { holder, state }: LedgerEntry): void {
    const isOver = state === 'done' || (state === 'started' && !awaitsEnd(run.rules));
    if (isOver) this.settle(run, 'elsewhere', holder);
    else if (state === 'lost') this.settle(run, 'lost', holder);
    else if (holder !== this.view.self) this.nudge(run, holder);
  }

  /** Its clock may be behind ours, and it may have no schedule for this. */
  private nudge(run: PendingRun, to: string): void {
    if (this.nowMs < run.nudgeAtMs || !this.isPeer(to)) return;
    run.nudgeAtMs = this.nowMs + NUDGE_MS;
    this.ask(to, { type: 'will', key: run.key });
  }

  private claim(run: PendingRun): void {
    const { key, rules } = run;
    this.record(key, this.view.self, 'claimed', rules);
    run.claim = new Claim((this.attempts += 1), this.nowMs);
    this.pursue(run, run.claim);
  }

  /** One step of a claim: asks who has not answered, and begins when all have. */
  private pursue(run: PendingRun, claim: Claim): void {
    const { view, nowMs } = this;
    const { key, rules } = run;
    if (claim.isStoring) return;
    const { onLoss, keepMs } = rules;
    const { attempt } = claim;
    for (const id of claim.toAsk(view, nowMs)) this.ask(id, { type: 'claim', key, attempt, onLoss, keepMs });
    const lateMs = nowMs - claim.sinceMs - rules.lateMs;
    const isComplete = claim.isComplete(view, this.heard, lateMs >= 0);
    if (isComplete && claim.hasQuorum(view, isYoungFor(run.key, view) ? 0 : 1)) {
      if (!rules.isStored) return this.start(run);
      claim.isStoring = true;
      this.directives.push({ type: 'store', key, untilMs: run.sinceMs + rules.lateMs });
    } else if (lateMs >= WAKE_MS) this.settle(run, isComplete ? 'no quorum' : 'unsure');
  }

  private start({ key, rules }: PendingRun): void {
    this.pending.delete(keyText(key));
    this.record(key, this.view.self, 'started', rules);
    this.tellOwn(key, 'started');
    this.directives.push({ type: 'run', key });
  }

  private stored(key: RunKey, by: string | undefined): void {
    const run = this.pending.get(keyText(key));
    if (!run?.claim?.isStoring) return;
    const { self } = this.view;
    if (by === self) return this.start(run);
    if (by === undefined) return this.settle(run, 'store');
    this.giveUp(run);
    this.record(key, by, 'done', run.rules);
    this.settle(run, 'elsewhere', by);
  }

  private claimAnswered(
    from: string,
    { key, attempt }: ClaimQuestion,
    answer: RunAnswer | 'mute' | undefined,
  ): void {
    const run = this.pending.get(keyText(key));
    const claim = run?.claim;
    // Of one that was given up, everybody who was asked has been told.
    if (!run || claim?.attempt !== attempt) return;
    if (answer === 'mute') claim.pass(from);
    else if (answer?.type === 'yes') claim.grant(from, answer.isYoung);
    else claim.retry(from, this.nowMs);
    if (typeof answer === 'object' && answer.type === 'held') this.denied(run, claim, answer);
    this.evaluate(run);
  }

  private denied(run: PendingRun, claim: Claim, { by, state }: HeldAnswer): void {
    if (by === this.view.self || claim.isStoring) return;
    if (state === 'claimed' && !this.isAhead(by, this.view.self, run.key)) return;
    this.giveUp(run);
    this.learn(run, by, state);
  }

  /**
   * Another node says who has it. Of a node that is not in sight, which may just have ended, this one would never hear
   * the end: it asks again, until that is known there.
   */
  private learn(run: PendingRun, holder: string, state: RunState): void {
    const { key, rules } = run;
    const isOpen = state === 'claimed' || (state === 'started' && awaitsEnd(rules));
    if (isOpen && !this.isPeer(holder)) run.notBeforeMs = this.nowMs + NUDGE_MS;
    else this.record(key, holder, state, rules);
  }

  private willAnswered(from: string, key: RunKey, answer: RunAnswer | 'mute' | undefined): void {
    if (answer === undefined) return;
    const run = this.pending.get(keyText(key));
    const entry = this.ledger.get(key, this.nowMs);
    const held = typeof answer === 'object' && answer.type === 'held' ? answer : undefined;
    const isOurHolder = entry?.holder === from && (entry.state === 'claimed' || entry.state === 'started');
    // It has given it back, and that did not arrive.
    if (isOurHolder && held?.by !== from) this.ledger.delete(key);
    if (!run) return;
    const isSure = held && (held.by === from || held.state !== 'claimed');
    if (isSure && !run.claim && (!entry || isOurHolder)) this.learn(run, held.by, held.state);
    else if (!held && (answer === 'mute' || answer.type === 'no')) run.declined.add(from);
    this.evaluate(run);
  }

  /** Another node wants it. */
  private grant(from: string, { key, onLoss, keepMs }: ClaimQuestion): RunAnswer {
    const { self } = this.view;
    const entry = this.ledger.get(key, this.nowMs);
    const run = this.pending.get(keyText(key));
    const isCrossing = run?.claim !== undefined && !run.claim.isStoring;
    if (isCrossing && this.isAhead(from, self, key)) this.giveUp(run);
    else if (entry && entry.holder !== from) {
      const { holder, state } = entry;
      // It may have given it back, and that did not arrive.
      if (state === 'claimed' && holder !== self && this.isPeer(holder))
        this.ask(holder, { type: 'will', key });
      return { type: 'held', by: holder, state };
    }
    this.record(key, from, 'claimed', { onLoss, keepMs });
    return isYoungFor(key, this.view) ? { type: 'yes', isYoung: true } : { type: 'yes' };
  }

  private willClaim(key: RunKey): RunAnswer {
    const entry = this.ledger.get(key, this.nowMs);
    if (entry) return { type: 'held', by: entry.holder, state: entry.state };
    if (this.isLeaving || !this.view.having(key.job).includes(this.view.self)) return { type: 'no' };
    const run = this.pending.get(keyText(key));
    // With other rules than the one that asks, as while they are changed, it may wait for another in turn.
    if (run) {
      const isOurs = !this.mayClaim(run) || firstInOrder(run, this.view, this.nowMs) === this.view.self;
      return { type: isOurs ? 'yes' : 'no' };
    }
    if (!this.view.passesOver(key)) return { type: this.view.willFire(key) ? 'yes' : 'no' };
    this.record(key, this.view.self, 'done', { onLoss: 'skip', keepMs: KEEP_MS });
    return { type: 'held', by: this.view.self, state: 'done' };
  }

  private hear(from: string, all: readonly RunNews[], scope: NewsScope): void {
    // It has lost sight of this node, which was stopped, and knows nothing of what was run here meanwhile.
    if (scope === 'all' && this.heard.has(from)) this.tellAll(from, 'again');
    if (scope !== 'some') this.heard.add(from);
    for (const news of all) this.told(from, news);
  }

  private told(teller: string, { key, word, onLoss, keepMs, by = teller }: RunNews): void {
    const entry = this.ledger.get(key, this.nowMs);
    const run = this.pending.get(keyText(key));
    if (word === 'released') {
      if (entry?.holder === by) this.ledger.delete(key);
      run?.claim?.retryAll(this.nowMs);
    } else if (by !== this.view.self) {
      const isRun = entry && (entry.state === 'started' || entry.state === 'done');
      const hasEnded = word === 'lost' || (word === 'started' && !this.isPeer(by));
      if (hasEnded) {
        // Nobody here will see its end. Who is in sight is not lost, and tells itself what became of its runs.
        if (!entry && onLoss === 'skip' && !this.isPeer(by)) this.record(key, by, 'lost', { onLoss, keepMs });
      } else if (isRun && entry.holder !== by) this.duplicate(entry, by);
      else {
        if (run?.claim && !run.claim.isStoring) this.giveUp(run);
        if (!run?.claim) this.record(key, by, word, { onLoss, keepMs });
      }
    }
    if (run) this.evaluate(run);
  }

  private duplicate({ key, holder }: LedgerEntry, other: string): void {
    if (this.ledger.noteDuplicate(key))
      this.directives.push({ type: 'duplicate', key, by: [holder, other].sort() as [string, string] });
  }

  private down(id: string): void {
    this.heard.delete(id);
    this.ledger.lose(id, this.nowMs);
    this.evaluateAll();
  }

  private leave(isStopped: boolean): void {
    this.isLeaving = true;
    for (const run of [...this.pending.values()])
      if (isStopped || !run.claim?.isStoring) this.settle(run, 'leaving');
  }

  /** A peer that has just come hears what was run, here and elsewhere. */
  private tellAll(to: string, scope: 'all' | 'again'): void {
    this.directives.push({ type: 'tell', to, news: this.ledger.news(this.nowMs), scope });
  }

  private tellOwn(key: RunKey, word: RunWord): void {
    const entry = this.ledger.get(key, this.nowMs);
    if (entry?.holder !== this.view.self) return;
    const { onLoss, keepMs } = entry;
    if (word === 'released') this.ledger.delete(key);
    else this.ledger.set({ ...entry, state: word }, this.nowMs);
    this.directives.push({ type: 'tell', news: [{ key, word, onLoss, keepMs }], scope: 'some' });
    const run = this.pending.get(keyText(key));
    if (run) this.evaluate(run);
  }

  /** It is not for this node. */
  private settle(run: PendingRun, reason: SkipReason, by?: string): void {
    this.giveUp(run);
    this.pending.delete(keyText(run.key));
    this.skip(run.key, reason, by);
  }

  private skip(key: RunKey, reason: SkipReason, by?: string): void {
    this.directives.push({ type: 'skip', key, reason, by });
  }

  /** What was granted to this node, others may have. */
  private giveUp(run: PendingRun): void {
    const { claim, key } = run;
    if (!claim) return;
    run.claim = undefined;
    this.ledger.delete(key);
    const news: RunNews = { key, word: 'released', onLoss: 'skip', keepMs: 0 };
    for (const to of claim.askedOf) this.directives.push({ type: 'tell', to, news: [news], scope: 'some' });
  }

  private record(key: RunKey, holder: string, state: RunState, { onLoss, keepMs }: Remembering): void {
    this.ledger.set({ key, holder, state, onLoss, keepMs }, this.nowMs);
  }

  /** Of two that claim the same run. */
  private isAhead(id: string, other: string, key: RunKey): boolean {
    return this.view.rank(keyText(key), [id, other])[0] === id;
  }

  private isPeer(id: string): boolean {
    return this.view.peers.some((peer) => peer.id === id);
  }

  private ask(to: string, question: RunQuestion): void {
    this.directives.push({ type: 'ask', to, question });
  }

  private flush(): readonly RunDirective[] {
    const { directives } = this;
    this.directives = [];
    return directives;
  }
}
