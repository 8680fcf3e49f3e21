import { Injectable } from '@nestjs/common';
import type { Type } from '@nestjs/common';
import { DiscoveryService, ModuleRef } from '@nestjs/core';
import { describeError } from '../errors/peerage-error.js';
import { Faults } from '../settings/faults.js';
import type { PeerageProvider, Via } from '../via/provider.js';
import { isProviderClass, viaFunction } from '../via/via-function.js';

/** Makes providers of what `via` was given: objects, functions, and classes that the container knows or creates. */
@Injectable()
export class ProviderResolver {
  constructor(
    private readonly moduleRef: ModuleRef,
    private readonly container: DiscoveryService,
  ) {}

  /** @throws PeerageError `INVALID_OPTIONS`, telling of every class that cannot be had. */
  async resolve(via: readonly Via[]): Promise<PeerageProvider[]> {
    const faults = new Faults();
    const providers: PeerageProvider[] = [];
    for (const [i, one] of via.entries()) {
      try {
        providers.push(await this.resolveOne(one));
      } catch (error) {
        faults.add(via.length === 1 ? 'via' : `via[${i}]`, describeError(error));
      }
    }
    faults.throwIfAny();
    return providers;
  }

  private async resolveOne(via: Via): Promise<PeerageProvider> {
    if (isProviderClass(via)) return this.resolveClass(via);
    return typeof via === 'function' ? viaFunction(via) : via;
  }

  private async resolveClass(type: Type<PeerageProvider>): Promise<PeerageProvider> {
    const known = this.container.getProviders().find(({ token }) => token === type);
    if (known && !known.isDependencyTreeStatic())
      throw new Error(
        `${type.name} is request-scoped, but a provider lives as long as the app; remove its scope.`,
      );
    const provider = known?.isTransient
      ? await this.moduleRef.resolve(type, undefined, { strict: false })
      : known
        ? this.moduleRef.get(type, { strict: false })
        : await this.create(type);
    if (typeof provider?.poll !== 'function')
      throw new Error(`${type.name} has no method poll(); a provider answers it with names.`);
    return provider;
  }

  /** Creates it in the first module that has what it depends on: ours with its imports, then from the root on. */
  private async create(type: Type<PeerageProvider>): Promise<PeerageProvider> {
    let firstError: unknown;
    for (const moduleRef of [this.moduleRef, ...this.otherModules()]) {
      try {
        return await moduleRef.create(type);
      } catch (error) {
        if (!isUnknownDependency(error)) throw error;
        firstError ??= error;
      }
    }
    throw new Error(
      `${type.name} cannot be created: ${firstSentences(describeError(firstError))} ` +
        `Add ${type.name} to the providers of a module that has what it depends on, or add such a module to ` +
        '`imports` of forRootAsync.',
    );
  }

  private otherModules(): ModuleRef[] {
    return this.container
      .getProviders()
      .filter(({ token, instance }) => token === ModuleRef && instance !== this.moduleRef)
      .sort((a, b) => (a.host?.distance ?? 0) - (b.host?.distance ?? 0))
      .map(({ instance }) => instance as ModuleRef);
  }
}

/** Nest does not export the class of this error. */
function isUnknownDependency(error: unknown): boolean {
  return error instanceof Error && error.constructor.name === 'UnknownDependenciesException';
}

/** Nest's message up to its list of potential solutions, which don't fit here. */
function firstSentences(message: string): string {
  return message.split(' Potential solutions:')[0]!.trim();
}
