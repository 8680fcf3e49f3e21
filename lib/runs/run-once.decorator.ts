import { PeerageError } from '../errors/peerage-error.js';
import type { ClaimStore } from './claim-store.js';
import { checkRunOnce } from './run-checks.js';

/**
 * Options of {@link RunOnce}.
 *
 * @publicApi
 */
export interface RunOnceOptions {
  /**
   * The name of the job in the cluster: methods with the same name on several nodes are one job.
   *
   * @default `Class.method`
   */
  readonly name?: string | undefined;
  /**
   * When the node ends that has begun, or claimed, a run: `skip` leaves it at that (each due time is run at most once),
   * `rerun` runs it on another node (at least once, so it may be run twice).
   *
   * @default 'skip'
   */
  readonly onLoss?: 'skip' | 'rerun' | undefined;
  /**
   * How late a run may be because a node whose turn it is, or whose word is needed, is blocked. After that the next one
   * goes on. In milliseconds.
   *
   * @default 30_000
   */
  readonly lateMs?: number | undefined;
  /**
   * Whether each due time has an order of nodes of its own. Otherwise one node runs all of a job, for as long as it
   * lives.
   *
   * @default false
   */
  readonly spread?: boolean | undefined;
  /**
   * Claims each run there, too: at most once, whatever the network does. With `onLoss: 'rerun'` it makes no sense.
   *
   * @default none
   */
  readonly store?: ClaimStore | undefined;
  /**
   * With a `store`, of `@Cron()`: the last due time that was missed while no node ran is run when the first one starts.
   *
   * @default none
   */
  readonly catchUp?: 'last' | undefined;
}

/**
 * What the method is called with.
 *
 * @publicApi
 */
export interface RunContext {
  /** When it was due, by its schedule. */
  readonly dueAt: Date;
  /** The same on every node for this job and due time: an idempotency key for your own database. */
  readonly key: string;
}

/** What a decorated method is, for the explorer: kept at its class. */
export interface RunOnceMethod {
  readonly method: string;
  readonly options: RunOnceOptions;
  readonly original: Method;
}

export const RUN_ONCE_METADATA = 'peerage:run-once';

/** Where an instance keeps what runs its jobs. The same for all loaded copies of this package. */
const RUNNERS = Symbol.for('nestjs-peerage.runners');

type Method = (this: object, ...args: never[]) => unknown;

/** Runs the work of a method when it is this node's turn. */
export type Runner = (call: (context: RunContext) => unknown) => unknown;

/** By what was decorated: a class may call the method of the class above, whose job it is not. */
type Runners = Map<RunOnceMethod, Runner>;
type Bound = Partial<Record<typeof RUNNERS, Runners>>;

/**
 * From now on this method of the instance goes by the cluster, whoever made the instance.
 *
 * @throws TypeError when the instance is frozen
 */
export function bindRunner(instance: object, method: RunOnceMethod, runner: Runner): void {
  const bound = instance as Bound;
  if (!(bound[RUNNERS] instanceof Map))
    Object.defineProperty(instance, RUNNERS, { value: new Map() satisfies Runners });
  bound[RUNNERS]!.set(method, runner);
}

/** An object that stands in for another, as mocks do, may have anything there. */
function runnerOf(instance: Bound | undefined, method: RunOnceMethod): Runner | undefined {
  const runners = instance?.[RUNNERS];
  return runners instanceof Map ? runners.get(method) : undefined;
}

/**
 * Beside `@Cron()`, `@Interval()` or `@Timeout()`, above or below it: of all nodes that have the method, one runs it
 * each time it is due. In one connected cluster a due time is run by one node; while the network is split each side
 * runs it once, unless there is a `quorum` or a `store`.
 *
 * The method is called with a {@link RunContext}. Elsewhere it is not called, and the promise resolves to undefined as
 * soon as that is decided. Without `PeerageModule`, as in a unit test, it is an ordinary method.
 *
 * @throws PeerageError `INVALID_OPTIONS`
 * @publicApi
 */
export function RunOnce(options: RunOnceOptions = {}): MethodDecorator {
  checkRunOnce(options);
  return (target, key, descriptor) => {
    const method = descriptor.value as Method | undefined;
    if (typeof method !== 'function')
      throw new PeerageError('INVALID_OPTIONS', `@RunOnce() is for methods, which ${String(key)} is not.`);
    const before = (Reflect.getOwnMetadata(RUN_ONCE_METADATA, target) ?? []) as readonly RunOnceMethod[];
    const entry: RunOnceMethod = { method: String(key), options, original: method };
    if (before.some((other) => other.method === entry.method))
      throw new PeerageError('INVALID_OPTIONS', `@RunOnce() stands twice at ${nameOf(target, key)}.`);
    const wrapped = {
      [key](this: object & Bound, ...args: never[]): unknown {
        const runner = runnerOf(this, entry);
        return runner ? runner((context) => method.call(this, context as never)) : method.apply(this, args);
      },
    }[key as string]!;
    for (const name of Reflect.getOwnMetadataKeys(method) as unknown[])
      Reflect.defineMetadata(name, Reflect.getOwnMetadata(name, method), wrapped);
    descriptor.value = wrapped as never;
    Reflect.defineMetadata(RUN_ONCE_METADATA, [...before, entry], target);
  };
}

/** `Class.method`, for messages. */
function nameOf(target: object, key: string | symbol): string {
  return `${target.constructor.name}.${String(key)}`;
}
