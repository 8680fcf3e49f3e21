import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { ConfigurableModuleAsyncOptions, DynamicModule } from '@nestjs/common';
import { PEERAGE_OPTIONS, PEERAGE_VIA } from './peerage.constants.js';
import type { PeerageModuleOptions } from './peerage.options.js';
import type { Via } from './via/provider.js';

/** What may stand beside the factory of `forRootAsync`. */
export interface PeerageModuleExtras {
  /** Where names come from, when the factory doesn't say. @default viaSelf() */
  via?: Via | readonly Via[] | undefined;
}

/** `via` as it was given beside the factory, in a box: Nest takes a bare class or function for something else. */
export interface GivenVia {
  readonly via?: PeerageModuleExtras['via'];
}

/**
 * A class that makes the options: what `useClass` and `useExisting` of `forRootAsync` take.
 *
 * @publicApi
 */
export interface PeerageOptionsFactory {
  /** Called once, when the app starts. What it throws ends the start. */
  createPeerageOptions(): PeerageModuleOptions | Promise<PeerageModuleOptions>;
}

/**
 * What `PeerageModule.forRootAsync` takes: `useFactory` (with `inject`), `useClass` or `useExisting`,
 * `imports`, and `via` when the factory doesn't return it.
 *
 * @publicApi
 */
export type PeerageModuleAsyncOptions = ConfigurableModuleAsyncOptions<
  PeerageModuleOptions,
  'createPeerageOptions'
> &
  PeerageModuleExtras;

export const { ConfigurableModuleClass } = new ConfigurableModuleBuilder<PeerageModuleOptions>({
  optionsInjectionToken: PEERAGE_OPTIONS,
})
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createPeerageOptions')
  .setExtras<PeerageModuleExtras>({ via: undefined }, withVia)
  .build();

function withVia(definition: DynamicModule, { via }: PeerageModuleExtras): DynamicModule {
  const boxed: GivenVia = { via };
  const providers = [...(definition.providers ?? []), { provide: PEERAGE_VIA, useValue: boxed }];
  return { ...definition, global: true, providers };
}
