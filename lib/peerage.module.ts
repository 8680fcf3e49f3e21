import { Logger, Module } from '@nestjs/common';
import type { DynamicModule, InjectionToken, Provider } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { OtherApps } from './cluster/apps/other-apps.js';
import { ClusterExplorer } from './cluster/cluster.explorer.js';
import { ClusterLog } from './cluster/cluster.log.js';
import { ClusterMetadataAccessor } from './cluster/cluster-metadata.accessor.js';
import { ClusterOrchestrator } from './cluster/cluster.orchestrator.js';
import { ClusterReports } from './cluster/cluster.reports.js';
import { ClusterService } from './cluster/cluster.service.js';
import { EventHub } from './cluster/event-hub.js';
import { warningOfCopies } from './cluster/loaded-copies.js';
import { NodeState } from './cluster/node-state.js';
import { PeerageLifecycle } from './cluster/peerage.lifecycle.js';
import { StatusService } from './cluster/status.service.js';
import { TroubleLog } from './cluster/trouble.log.js';
import { NodeViews } from './cluster/view/node-views.js';
import { optionsFromEnvironment } from './config/environment.js';
import { markFromEnvironment, vainVariables } from './config/vain-variables.js';
import { PeerageDiscovery } from './discovery/peerage.discovery.js';
import { ProviderResolver } from './discovery/provider.resolver.js';
import { Ownership } from './ownership/ownership.service.js';
import { Presence } from './presence/presence.service.js';
import { RunsExplorer } from './runs/runs.explorer.js';
import { RunsService } from './runs/runs.service.js';
import { Gate } from './messaging/gate.js';
import { Messaging } from './messaging/messaging.js';
import { loadTracing } from './messaging/tracing.js';
import type { Clock } from './time/clock.js';
import { systemClock } from './time/clock.js';
import { LoopWatch } from './time/loop-watch.js';
import type { Mesh } from './mesh/mesh.js';
import { PeerMesh } from './mesh/peer-mesh.js';
import { startProber } from './mesh/probes/prober.js';
import { createTcpTransport } from './mesh/transport/tcp/tcp-transport.js';
import { isOptions } from './settings/check-options.js';
import { invalidOptions } from './settings/faults.js';
import { describeError } from './errors/peerage-error.js';
import { stackOf } from './errors/thrown.js';
import { externalAddresses } from './naming/hosts.js';
import { ownInterfaces } from './naming/own-interfaces.js';
import { resolveSettings } from './settings/settings.js';
import {
  LOG_CONTEXT,
  PEERAGE_CLOCK,
  PEERAGE_COPIES,
  PEERAGE_MESH,
  PEERAGE_OPTIONS,
  PEERAGE_RANDOM,
  PEERAGE_SETTINGS,
  PEERAGE_VIA,
} from './peerage.constants.js';
import { ConfigurableModuleClass } from './peerage.module-definition.js';
import type {
  GivenVia,
  PeerageModuleAsyncOptions,
  PeerageOptionsFactory,
} from './peerage.module-definition.js';
import type { PeerageModuleOptions, PeerageSettings } from './peerage.options.js';

/** Depends on nothing: when a service of another copy is what Nest cannot resolve, this has been said before. */
const copiesProvider: Provider = {
  provide: PEERAGE_COPIES,
  useFactory: (): void => {
    const warning = warningOfCopies();
    if (warning !== undefined) new Logger(LOG_CONTEXT).warn(warning);
  },
};

/** What `forRoot` and `forRootAsync` replace. */
const missingOptions: Provider[] = [
  {
    provide: PEERAGE_OPTIONS,
    useFactory: (): never => {
      throw invalidOptions([
        {
          path: 'imports',
          problem:
            'PeerageModule stands there without options. Import PeerageModule.forRoot() once, in the root module; ' +
            'it is global, so other modules import nothing.',
        },
      ]);
    },
  },
  { provide: PEERAGE_VIA, useValue: {} satisfies GivenVia },
];

const settingsProvider: Provider = {
  provide: PEERAGE_SETTINGS,
  inject: [PEERAGE_OPTIONS, PEERAGE_VIA],
  useFactory: (options: PeerageModuleOptions, beside: GivenVia): PeerageSettings =>
    withWarning(resolveSettings(withViaOf(beside, options)), vainVariables(options, process.env)),
};

const messagingProvider: Provider = {
  provide: Messaging,
  inject: [PEERAGE_MESH, PEERAGE_CLOCK, Gate],
  useFactory: (mesh: Mesh, clock: Clock, gate: Gate): Messaging =>
    new Messaging({ mesh, clock, gate, log: new Logger(LOG_CONTEXT), tracing: loadTracing() }),
};

const meshProvider: Provider = {
  provide: PEERAGE_MESH,
  inject: [PEERAGE_SETTINGS, PEERAGE_CLOCK, PEERAGE_RANDOM, LoopWatch],
  useFactory: (settings: PeerageSettings, clock: Clock, random: () => number, loop: LoopWatch): Mesh => {
    const transport = createTcpTransport({ ...settings, clock });
    return new PeerMesh(settings, {
      transport,
      clock,
      random,
      startProber,
      loop,
      ownAddresses: () => externalAddresses(ownInterfaces()),
      warn: (message) => new Logger(LOG_CONTEXT).warn(message),
      fault: (error) =>
        new Logger(LOG_CONTEXT).error(`A fault of Peerage itself: ${describeError(error)}`, stackOf(error)),
    });
  },
};

/**
 * Makes this process a node of the cluster. Import it once, in the root module: it is global.
 *
 * @publicApi
 */
@Module({
  imports: [DiscoveryModule],
  providers: [
    copiesProvider,
    ...missingOptions,
    settingsProvider,
    meshProvider,
    { provide: Gate, useFactory: () => new Gate() },
    messagingProvider,
    { provide: PEERAGE_CLOCK, useValue: systemClock },
    { provide: PEERAGE_RANDOM, useValue: Math.random },
    { provide: LoopWatch, inject: [PEERAGE_CLOCK], useFactory: (clock: Clock) => new LoopWatch(clock) },
    NodeState,
    EventHub,
    ProviderResolver,
    PeerageDiscovery,
    Presence,
    Ownership,
    ClusterReports,
    RunsService,
    RunsExplorer,
    ClusterService,
    ClusterLog,
    TroubleLog,
    StatusService,
    ClusterMetadataAccessor,
    ClusterExplorer,
    ClusterOrchestrator,
    OtherApps,
    PeerageLifecycle,
    NodeViews,
  ],
  exports: [ClusterService, NodeViews],
})
export class PeerageModule extends ConfigurableModuleClass {
  /**
   * With options: these, and defaults. Without: the `PEERAGE_*` variables of the environment.
   *
   * @throws PeerageError `INVALID_OPTIONS` when the app is created, telling of all faults at once.
   */
  static override forRoot(options?: PeerageModuleOptions): DynamicModule {
    // What is no object is refused when the app is created, as from a factory.
    if (isOptions(options)) return super.forRoot(options);
    if (options !== undefined) return super.forRootAsync({ useFactory: () => options });
    return super.forRootAsync({ useFactory: () => markFromEnvironment(optionsFromEnvironment()) });
  }

  /**
   * With options that are made when the app is created, of what other modules provide.
   *
   * @throws PeerageError `INVALID_OPTIONS` when the app is created, telling of all faults at once.
   */
  static override forRootAsync(options: PeerageModuleAsyncOptions): DynamicModule {
    const { useFactory, useClass, useExisting } = options ?? {};
    if (useFactory) return super.forRootAsync(options);
    const token: InjectionToken | undefined = useExisting ?? useClass;
    if (!token) return super.forRootAsync({ useFactory: noFactory });
    const definition = super.forRootAsync(options);
    const providers = definition.providers?.map((provider) => withMethod(provider, token));
    return { ...definition, ...(providers && { providers }) };
  }
}

/** Nest calls the method of whatever it gets. */
function withMethod(provider: Provider, token: InjectionToken): Provider {
  if (!('useFactory' in provider) || provider.provide !== PEERAGE_OPTIONS) return provider;
  const useFactory = (maker: Partial<PeerageOptionsFactory> | undefined): unknown => {
    if (typeof maker?.createPeerageOptions === 'function') return provider.useFactory(maker);
    const name = typeof token === 'function' ? token.name : String(token);
    const problem =
      `was given ${name}, without the method createPeerageOptions() that makes the options: let its class implement ` +
      'PeerageOptionsFactory.';
    throw invalidOptions([{ path: 'forRootAsync()', problem }]);
  };
  return { ...provider, useFactory };
}

function noFactory(): never {
  const problem =
    'was given nothing that makes the options: give it useFactory, useClass or useExisting. Options themselves go to ' +
    'forRoot(), and PEERAGE_* variables are read by forRoot() without any.';
  throw invalidOptions([{ path: 'forRootAsync()', problem }]);
}

function withWarning(settings: PeerageSettings, warning: string | undefined): PeerageSettings {
  return warning === undefined ? settings : { ...settings, warnings: [...settings.warnings, warning] };
}

function withViaOf({ via }: GivenVia, options: PeerageModuleOptions): PeerageModuleOptions {
  if (via === undefined || options == null) return options;
  if (options.via === undefined) return { ...options, via };
  const problem = 'is given both beside the factory and by it; remove one of the two.';
  throw invalidOptions([{ path: 'via', problem }]);
}
