import { Inject, Injectable } from '@nestjs/common';
import type { InjectionToken, Type } from '@nestjs/common';
import type { PeerageProvider, PollContext, ServeContext } from './provider.js';

/** A provider class that is made of what the app's container has under a token. */
export function viaInjected<T>(
  token: InjectionToken,
  make: (value: T) => PeerageProvider,
): Type<PeerageProvider> {
  class InjectedProvider implements PeerageProvider {
    private readonly provider: PeerageProvider;

    constructor(value: T) {
      this.provider = make(value);
    }

    get name(): string {
      return this.provider.name ?? 'injected';
    }

    poll(context: PollContext): ReturnType<PeerageProvider['poll']> {
      return this.provider.poll(context);
    }

    async serve(context: ServeContext): Promise<void> {
      await this.provider.serve?.(context);
    }
  }
  Inject(token)(InjectedProvider, undefined, 0);
  Injectable()(InjectedProvider);
  return InjectedProvider;
}
