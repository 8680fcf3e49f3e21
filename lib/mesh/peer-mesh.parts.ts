import type { Clock } from '../time/clock.js';
import type { Prober, ProberOptions } from './probes/prober.js';
import type { OwnAddress } from './told-host.js';
import type { LoopWatch } from '../time/loop-watch.js';
import type { Transport } from './transport/transport.js';

/** What a `PeerMesh` is made of. */
export interface PeerMeshParts {
  readonly transport: Transport;
  /** @default the system's */
  readonly clock?: Clock;
  /** Uniform in [0, 1). @default Math.random */
  readonly random?: () => number;
  /** The addresses of this machine that others may reach, the likeliest first. @default the host never changes */
  readonly ownAddresses?: () => readonly OwnAddress[];
  /** Knows whether our own event loop stood still. @default it never does */
  readonly loop?: Pick<LoopWatch, 'lagMs' | 'history'>;
  /** Says something to people. @default nobody hears */
  readonly warn?: (message: string) => void;
  /** Takes an error of ours: no input of another node caused it. @default throws it */
  readonly fault?: (error: unknown) => void;
  /** Sends and answers UDP probes. @default nothing does */
  readonly startProber?: (options: ProberOptions) => Prober;
  /** Runs a callback in a later turn. @default setImmediate */
  readonly defer?: (callback: () => void) => void;
}
