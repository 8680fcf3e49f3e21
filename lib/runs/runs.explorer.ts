import { Inject, Injectable, Logger } from '@nestjs/common';
import { DiscoveryService, ModuleRef } from '@nestjs/core';
import { SchedulerRegistry } from '@nestjs/schedule';
import { PeerageError } from '../errors/peerage-error.js';
import { describeError } from '../errors/thrown.js';
import { LOG_CONTEXT, PEERAGE_SETTINGS } from '../peerage.constants.js';
import type { PeerageSettings } from '../peerage.options.js';
import { ClaimsIn } from './claim-store.js';
import type { ClaimStore } from './claim-store.js';
import { jobOf } from './job.js';
import { checkJobName } from './run-checks.js';
import { RUN_ONCE_METADATA, bindRunner } from './run-once.decorator.js';
import type { RunOnceMethod } from './run-once.decorator.js';
import { RunsService } from './runs.service.js';

/** Finds the methods with `@RunOnce()` of the app's providers and controllers. */
@Injectable()
export class RunsExplorer {
  private readonly logger = new Logger(LOG_CONTEXT);
  /** One instance may be known under several tokens. */
  private readonly seen = new Set<object>();

  constructor(
    private readonly runs: RunsService,
    private readonly discovery: DiscoveryService,
    private readonly moduleRef: ModuleRef,
    @Inject(PEERAGE_SETTINGS) private readonly settings: PeerageSettings,
  ) {}

  /**
   * Adds the methods of all that is new since the last time.
   *
   * @throws PeerageError `INVALID_OPTIONS` when two methods are the same job, or a store is not there
   */
  explore(): void {
    const bound: string[] = [];
    const wrappers = [...this.discovery.getControllers(), ...this.discovery.getProviders()];
    for (const wrapper of wrappers) {
      const instance: unknown = wrapper.instance;
      const isSingle = typeof instance === 'object' && instance !== null && wrapper.isDependencyTreeStatic();
      if (!isSingle || wrapper.isTransient || this.seen.has(instance)) continue;
      this.seen.add(instance);
      for (const method of methodsOf(instance)) bound.push(this.bind(instance, method));
    }
    if (bound.length > 0) this.logger.debug(`Run once in the cluster: ${bound.join(', ')}`);
  }

  private bind(instance: object, entry: RunOnceMethod): string {
    const { method, options, original } = entry;
    const name = options.name ?? `${instance.constructor.name}.${method}`;
    checkJobName(name);
    const current = (instance as Readonly<Record<string, unknown>>)[method] as object;
    const { store } = options;
    const own = store instanceof ClaimsIn ? { ...options, store: this.storeOf(store) } : options;
    const job = jobOf(name, own, current, { registry: () => this.registry(), nowMs: this.runs.dateMs });
    const runner = this.runs.add(job, (context) => original.call(instance, context as never));
    try {
      bindRunner(instance, entry, runner);
    } catch (error) {
      const problem = `@RunOnce(): the instance with the job "${name}" is frozen: nothing can run it once.`;
      throw new PeerageError('INVALID_OPTIONS', problem, { cause: error });
    }
    return name;
  }

  private storeOf(claims: ClaimsIn): ClaimStore {
    const { cluster } = this.settings;
    if (claims.token === undefined) return claims.of(cluster, undefined);
    let client: unknown;
    try {
      client = this.moduleRef.get(claims.token, { strict: false });
    } catch (error) {
      const problem = `claimsIn(): the app provides no ${claims.name}: ${describeError(error)}`;
      throw new PeerageError('INVALID_OPTIONS', problem, { cause: error });
    }
    return claims.of(cluster, client);
  }

  private registry(): SchedulerRegistry | undefined {
    try {
      return this.moduleRef.get(SchedulerRegistry, { strict: false });
    } catch {
      return undefined;
    }
  }
}

/** Those of its class and of the classes above it, which it may have replaced without the decorator. */
function methodsOf(instance: object): readonly RunOnceMethod[] {
  const found = new Map<string, RunOnceMethod>();
  const seen = new Set<string>();
  try {
    for (
      let at = Object.getPrototypeOf(instance) as object | null;
      at;
      at = Object.getPrototypeOf(at) as object | null
    ) {
      const own = (Reflect.getOwnMetadata(RUN_ONCE_METADATA, at) ?? []) as readonly RunOnceMethod[];
      for (const entry of own) if (!seen.has(entry.method)) found.set(entry.method, entry);
      for (const name of Object.getOwnPropertyNames(at)) seen.add(name);
    }
  } catch {
    // One that throws when it is looked at has nothing for us.
  }
  return [...found.values()];
}
