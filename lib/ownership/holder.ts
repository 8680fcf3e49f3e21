import { PeerageError } from '../errors/peerage-error.js';
import { describeError, readThrown, stackOf } from '../errors/thrown.js';
import type { Clock } from '../time/clock.js';
import { inRootContext } from '../time/root-context.js';
import { Holdings } from './core/holdings.js';
import type { HoldingsDirective, HoldingsInput, HoldingsOptions } from './core/holdings.js';

/**
 * What the one node that holds a key is told.
 *
 * @publicApi
 */
export interface Held {
  /** What this node holds. */
  readonly key: string;
  /** Aborts when this node holds the key no more: another one gains it, or this one shuts down. */
  readonly signal: AbortSignal;
}

/**
 * What runs while this node holds a key. It ends soon when its signal aborts.
 *
 * @publicApi
 */
export type HeldWork = (held: Held) => unknown;

interface HolderParts {
  readonly clock: Clock;
  readonly options: HoldingsOptions;
  readonly log: { error(message: string, stack: string | undefined): void };
}

interface Work {
  readonly key: string;
  /** For logs. */
  readonly name: string;
  readonly run: HeldWork;
  readonly onEnd: () => void;
  controller: AbortController | undefined;
}

/** Runs what is to be run on the one node that holds a key: carries out what the core says. */
export class Holder {
  private readonly core: Holdings;
  private readonly works = new Map<number, Work>();
  private lastId = 0;
  private members = '';
  private cancelWake: () => void = () => {};
  private readonly idle = new Set<() => void>();
  private readonly released = new Set<number>();

  constructor(private readonly parts: HolderParts) {
    this.core = new Holdings(parts.options);
  }

  /** The names of the nodes that count, and ours when this node is one of them. */
  view(names: readonly string[], self: string | undefined): void {
    const members = JSON.stringify([self, ...names]);
    if (members === this.members) return;
    this.members = members;
    this.handle({ type: 'view', members: names, ...(self !== undefined && { self }) });
  }

  /** Returns the id of this hold. Of those with the same lane one runs at a time. */
  hold(key: string, name: string, run: HeldWork, onEnd: () => void = () => {}, lane?: string): number {
    const id = ++this.lastId;
    this.works.set(id, { key, name, run, onEnd, controller: undefined });
    this.handle({ type: 'want', id, key, lane });
    return id;
  }

  isHeld(id: number): boolean {
    return this.core.isHeld(id);
  }

  /** Whether anything is wanted here. */
  get hasWork(): boolean {
    return this.works.size > 0;
  }

  /** The keys that are held now. */
  held(): string[] {
    return [...this.works].filter(([id]) => this.core.isHeld(id)).map(([, { key }]) => key);
  }

  /** `onEnd` is called when nothing of it runs any more. */
  release(id: number): void {
    this.released.add(id);
    this.handle({ type: 'release', id });
    const work = this.works.get(id);
    if (work && !work.controller) this.forget(id, work);
  }

  /** Resolves when nothing runs. */
  async finished(): Promise<void> {
    if (this.isBusy) await new Promise<void>((resolve) => this.idle.add(resolve));
  }

  private get isBusy(): boolean {
    return [...this.works.values()].some(({ controller }) => controller !== undefined);
  }

  private handle(input: HoldingsInput): void {
    for (const directive of this.core.handle(input, this.parts.clock.now())) this.perform(directive);
  }

  private perform(directive: HoldingsDirective): void {
    switch (directive.type) {
      case 'begin':
        return inRootContext(() => void this.begin(directive.id));
      case 'abort':
        return this.works.get(directive.id)?.controller?.abort(noMore());
      case 'wakeAt': {
        this.cancelWake();
        const { clock } = this.parts;
        const inMs = Math.max(0, directive.atMs - clock.now());
        this.cancelWake = clock.after(inMs, () => this.handle({ type: 'wake' }), true);
      }
    }
  }

  private async begin(id: number): Promise<void> {
    const work = this.works.get(id);
    if (!work) return;
    const controller = new AbortController();
    work.controller = controller;
    let failed = false;
    try {
      // What this node is told at this moment comes first.
      await Promise.resolve();
      if (!controller.signal.aborted) await work.run({ key: work.key, signal: controller.signal });
    } catch (error) {
      failed = true;
      this.tellOf(error, work, controller.signal);
    }
    work.controller = undefined;
    this.handle({ type: 'ended', id, failed });
    if (this.released.has(id)) this.forget(id, work);
    if (this.isBusy) return;
    for (const resolve of this.idle) resolve();
    this.idle.clear();
  }

  /** Who is told to end may say so by throwing. */
  private tellOf(error: unknown, { name }: Work, signal: AbortSignal): void {
    if (signal.aborted && (error === signal.reason || readThrown(error).name === 'AbortError')) return;
    const again = signal.aborted ? '' : ' It is begun again in a while.';
    this.parts.log.error(`${name} failed: ${describeError(error)}.${again}`, stackOf(error));
  }

  private forget(id: number, work: Work): void {
    this.works.delete(id);
    this.released.delete(id);
    work.onEnd();
  }
}

function noMore(): PeerageError {
  return new PeerageError('ABORTED', 'This node holds the key no more.');
}
