import { Injectable, Logger } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { describeError } from '../errors/thrown.js';
import { LOG_CONTEXT } from '../peerage.constants.js';
import { ClusterMetadataAccessor } from './cluster-metadata.accessor.js';
import { ClusterOrchestrator } from './cluster.orchestrator.js';

type InstanceWrapper = ReturnType<DiscoveryService['getProviders']>[number];

/** Finds the decorated methods of the app's providers and controllers. */
@Injectable()
export class ClusterExplorer {
  private readonly logger = new Logger(LOG_CONTEXT);
  /** One instance may be known under several tokens. */
  private readonly seen = new Set<object>();

  constructor(
    private readonly orchestrator: ClusterOrchestrator,
    private readonly discovery: DiscoveryService,
    private readonly accessor: ClusterMetadataAccessor,
    private readonly scanner: MetadataScanner,
  ) {}

  /** Adds the methods of all that is new since the last time. */
  explore(): void {
    const bound: string[] = [];
    const wrappers = [...this.discovery.getControllers(), ...this.discovery.getProviders()];
    for (const wrapper of wrappers) {
      const instance: unknown = wrapper.instance;
      if (typeof instance !== 'object' || instance === null || this.seen.has(instance)) continue;
      this.seen.add(instance);
      bound.push(...this.tryInstance(wrapper, instance));
    }
    if (bound.length > 0) this.logger.debug(`Bound: ${bound.join(', ')}`);
  }

  /** What a provider is, is up to the app: one that throws when it is looked at has nothing for us. */
  private tryInstance(wrapper: InstanceWrapper, instance: object): readonly string[] {
    try {
      return this.exploreInstance(wrapper, instance);
    } catch (error) {
      const why = describeError(error);
      this.logger.debug(`${String(wrapper.name)} is not searched for handlers, it cannot be read: ${why}`);
      return [];
    }
  }

  private exploreInstance(wrapper: InstanceWrapper, instance: object): string[] {
    const prototype: object | null = Object.getPrototypeOf(instance);
    const bound: string[] = [];
    if (!prototype) return bound;
    for (const key of this.scanner.getAllMethodNames(prototype)) {
      const types = this.accessor.getEventTypes(prototype, key);
      const topics = this.accessor.getTopics(prototype, key);
      const leads = this.accessor.leads(prototype, key);
      if (types.length + topics.length === 0 && !leads) continue;
      const what = [...types, ...topics, ...(leads ? ['coordinator'] : [])];
      const method = (instance as Record<string, unknown>)[key];
      const name = `${String(wrapper.name)}.${key}`;
      if (!wrapper.isDependencyTreeStatic() || wrapper.isTransient) this.warnOfScope(name, what);
      else {
        this.orchestrator.add({ types, topics, leads, name, handle: bind(instance, method) });
        bound.push(`${name} (${what.join(', ')})`);
      }
    }
    return bound;
  }

  private warnOfScope(name: string, types: readonly string[]): void {
    this.logger.warn(
      `${name} will not hear ${types.join(', ')}: it belongs to a request-scoped or transient provider, of which there is no ` +
        'single instance to call. Move the method to a provider with the default scope.',
    );
  }
}

function bind(instance: object, method: unknown): (...args: readonly unknown[]) => unknown {
  return (method as (...args: readonly unknown[]) => unknown).bind(instance);
}
