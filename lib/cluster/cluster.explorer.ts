import { Injectable, Logger } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
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

  explore(): void {
    const wrappers = [...this.discovery.getControllers(), ...this.discovery.getProviders()];
    for (const wrapper of wrappers) {
      const instance: unknown = wrapper.instance;
      if (typeof instance !== 'object' || instance === null || this.seen.has(instance)) continue;
      this.seen.add(instance);
      this.exploreInstance(wrapper, instance);
    }
  }

  private exploreInstance(wrapper: InstanceWrapper, instance: object): void {
    const prototype: object | null = Object.getPrototypeOf(instance);
    if (!prototype) return;
    for (const key of this.scanner.getAllMethodNames(prototype)) {
      const method = (instance as Record<string, unknown>)[key];
      const types = this.accessor.getEventTypes(method);
      const topics = this.accessor.getTopics(method);
      if (types.length + topics.length === 0) continue;
      const name = `${String(wrapper.name)}.${key}`;
      if (!wrapper.isDependencyTreeStatic() || wrapper.isTransient)
        this.warnOfScope(name, [...types, ...topics]);
      else this.orchestrator.add({ types, topics, name, handle: bind(instance, method) });
    }
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
