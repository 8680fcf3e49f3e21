export { PeerageModule } from './peerage.module.js';
export type { PeerageModuleAsyncOptions, PeerageOptionsFactory } from './peerage.module-definition.js';
export type {
  HeartbeatOptions,
  LimitOptions,
  OwnershipOptions,
  PeerageModuleOptions,
  PeerageTlsOptions,
  QuorumOptions,
  ShutdownOptions,
  WaitForOptions,
} from './peerage.options.js';

export { ClusterService } from './cluster/cluster.service.js';
export { OnClusterEvent, OnCoordinator, OnPeerDown, OnPeerUp } from './cluster/cluster.decorators.js';
export type { ClusterEventDecorator, CoordinatorDecorator } from './cluster/cluster.decorators.js';
export type {
  ClusterEvent,
  ClusterEventOf,
  PeerDownEvent,
  PeerUpEvent,
  ClusterEventType,
  PollReport,
  ProviderReport,
} from './cluster/cluster.events.js';
export { OnClusterMessage } from './cluster/on-cluster-message.decorator.js';
export type { ClusterMessageDecorator } from './cluster/on-cluster-message.decorator.js';
export type { WaitOptions } from './cluster/wait-for-peers.js';

export { PresenceSpace } from './presence/presence.space.js';
export type { PresenceChange, PresenceEntry, TrackedEntry } from './presence/presence.types.js';
export { KeySpace } from './ownership/key-space.js';
export type { Hold } from './ownership/key-space.js';
export type { Held, HeldWork } from './ownership/holder.js';
export type { OwnerOptions } from './ownership/ownership.service.js';

export { RunOnce } from './runs/run-once.decorator.js';
export type { RunContext, RunOnceOptions } from './runs/run-once.decorator.js';
export { claimsIn } from './runs/claim-store.js';
export type { ClaimStore, PoolLike, RedisLike } from './runs/claim-store.js';
export type {
  JobStats,
  LastRun,
  OnceOptions,
  OnceResult,
  RunEvent,
  RunSkipReason,
  RunTotals,
} from './runs/run.events.js';

export { viaDns } from './via/dns/via-dns.js';
export type { ViaDnsOptions } from './via/dns/via-dns.js';
export { viaFile } from './via/file/via-file.js';
export { viaList } from './via/via-list.js';
export { viaLocal } from './via/local/via-local.js';
export type { ViaLocalOptions } from './via/local/via-local.js';
export { viaSelf } from './via/via-self.js';
export { viaUdp } from './via/udp/via-udp.js';
export type { ViaUdpOptions } from './via/udp/via-udp.js';
export type {
  PeerageProvider,
  ClusterLabel,
  PollContext,
  PollFunction,
  ServeContext,
  Via,
} from './via/provider.js';

export type {
  BroadcastResult,
  MessageContext,
  MessageHandler,
  Recipient,
  RequestOptions,
} from './messaging/message.types.js';

export { RemoteError } from './errors/remote-error.js';
export type { RemoteErrorDetails } from './errors/remote-error.js';
export { PeerageError } from './errors/peerage-error.js';
export type { PeerageErrorCode } from './errors/peerage-error.js';
export type {
  DownEvidence,
  DownReason,
  Peer,
  PeerEvent,
  PeerStatus,
  RefusedEvent,
} from './membership/events.js';
export { formatExplanation } from './status/explanation-text.js';
export type { Explanation, LoopStats, NodePhase } from './cluster/explanation.js';
export type { ClusterStats, EventCounts } from './cluster/cluster-stats.js';
export type { ProviderExplanation } from './discovery/provider-status.js';
export type { HistogramCounts } from './diagnostics/histogram.js';
export type { ProbeCounts } from './membership/probe-notes.js';
export type { FalseAlarm, RoundTrip, Traffic } from './mesh/mesh-stats.js';
export type { LastBlock } from './time/loop-watch.js';
export type {
  AttemptResult,
  LivenessExplanation,
  SuspicionExplanation,
  NameExplanation,
} from './membership/explanation.js';
export type { FoundResult } from './mesh/mesh.js';
export type { NodeInfo } from './naming/node-info.js';
export { diagnosticsChannelName } from './diagnostics/channels.js';
export type { PeerageDiagnostic } from './diagnostics/channels.js';
