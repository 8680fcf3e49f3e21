import { channel } from 'node:diagnostics_channel';
import type { PeerageErrorCode } from '../errors/peerage-error.js';
import { Histogram, type HistogramCounts } from '../diagnostics/histogram.js';
import type { AttemptResult } from '../membership/explanation.js';
import type { ProbeCounts } from '../membership/probe-notes.js';
import type { NodeInfo } from '../naming/node-info.js';

/** Round trips between neighbours, within a country, around the world. In milliseconds. */
const ROUND_TRIP_MS = [0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500];

/**
 * So many messages, and so many bytes of them as they are encoded.
 *
 * @publicApi
 */
export interface Traffic {
  /** How many messages. */
  readonly count: number;
  /** How many bytes. */
  readonly bytes: number;
}

/** What the connections of this node have done, and what waits there. Counts begin with the node. */
export interface MeshStats {
  /** Dials by how they ended. */
  readonly dials: {
    /** Dials that led to a connection. */
    readonly connected: number;
    /** Dials that did not, by their code. */
    readonly failed: Readonly<Partial<Record<PeerageErrorCode, number>>>;
  };
  /** How often a process that was declared down came back as itself. */
  readonly falseAlarms: number;
  /** Peers by what becomes of UDP probes to them, now. */
  readonly probes: ProbeCounts;
  /** Round trips of answered beats, in milliseconds. */
  readonly roundTrips: HistogramCounts;
  /** Messages to and from other nodes, answers and those of the library's own included. */
  readonly messages: { readonly sent: Traffic; readonly received: Traffic };
  /** What waits, in bytes. */
  readonly queues: {
    /** Bytes of messages that wait to be sent. */
    readonly sendBytes: number;
    /** Bytes of messages of others that are being handled, or wait for it. */
    readonly receiveBytes: number;
  };
  /** Messages of others that are handled, or wait for it. */
  readonly handlers: {
    /** Messages whose handlers' promises have not ended. */
    readonly running: number;
    /** Messages that wait for one of the places. */
    readonly waiting: number;
  };
}

/**
 * What is published on the diagnostics channel `peerage:round-trip`: a beat was answered.
 *
 * @publicApi
 */
export interface RoundTrip {
  /** The node that beat: one process may be several. */
  readonly self: NodeInfo;
  /** How long the round trip took, in milliseconds. */
  readonly ms: number;
}

const roundTripChannel = channel('peerage:round-trip');

/**
 * What is published on the diagnostics channel `peerage:false-alarm`: a process that was declared down came
 * back as itself.
 *
 * @publicApi
 */
export interface FalseAlarm {
  /** The node that sees it again. */
  readonly self: NodeInfo;
  /** Which process it is that came back. */
  readonly bootId: string;
  /** How often that happened to this boot id. */
  readonly count: number;
}

const falseAlarmChannel = channel('peerage:false-alarm');

/** A `Traffic` that counts. */
export class TrafficCount implements Traffic {
  count = 0;
  bytes = 0;

  add(bytes: number): void {
    this.count += 1;
    this.bytes += bytes;
  }

  snapshot(): Traffic {
    return { count: this.count, bytes: this.bytes };
  }
}

/** Counts what becomes of dials and beats. */
export class MeshCounters {
  private connected = 0;
  private readonly failed: Partial<Record<PeerageErrorCode, number>> = {};
  private readonly roundTripsMs = new Histogram(ROUND_TRIP_MS);
  private falseAlarms = 0;

  attempt(result: AttemptResult): void {
    if (result.result === 'connected') this.connected += 1;
    else if (result.result === 'failed') this.failed[result.code] = (this.failed[result.code] ?? 0) + 1;
  }

  falseAlarm(alarm: FalseAlarm): void {
    this.falseAlarms += 1;
    falseAlarmChannel.publish(alarm);
  }

  roundTrip(self: NodeInfo, ms: number): void {
    this.roundTripsMs.add(ms);
    if (roundTripChannel.hasSubscribers) roundTripChannel.publish({ self, ms } satisfies RoundTrip);
  }

  snapshot(): Pick<MeshStats, 'dials' | 'falseAlarms' | 'roundTrips'> {
    const { connected, failed, falseAlarms } = this;
    return {
      dials: { connected, failed: { ...failed } },
      falseAlarms,
      roundTrips: this.roundTripsMs.snapshot(),
    };
  }
}
