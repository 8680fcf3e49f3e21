import { Inject, Injectable, Logger } from '@nestjs/common';
import type { Mesh } from '../mesh/mesh.js';
import { LOG_CONTEXT, PEERAGE_CLOCK, PEERAGE_MESH } from '../peerage.constants.js';
import type { Clock } from '../time/clock.js';
import { every } from '../time/clock.js';
import { duration } from '../time/seconds.js';
import { ClusterReports } from './cluster.reports.js';
import { EventHub } from './event-hub.js';
import { MissingNames } from './missing-names.js';
import { printable } from '../naming/printable.js';

const LOOK_MS = 1_000;

/** Every name is looked at so often. */
const LOOK_AT_NAMES_MS = 10_000;

/** What stays as it is, is told again after this. */
const AGAIN_MS = 10 * 60_000;

/** A cause that changes is told no more often than this. */
const CHANGE_MS = 30_000;

/**
 * Tells the log of what lasts and makes no event: that this node is alone, and why; and what does not work between it
 * and its peers.
 */
@Injectable()
export class TroubleLog {
  private readonly logger = new Logger(LOG_CONTEXT);
  private stops: (() => void)[] = [];
  private readonly missing = new MissingNames();
  private told: { readonly key: string; readonly atMs: number } | undefined;
  /** By what does not work: when it was told. */
  private readonly notes = new Map<string, number>();

  constructor(
    @Inject(PEERAGE_MESH) private readonly mesh: Mesh,
    @Inject(PEERAGE_CLOCK) private readonly clock: Clock,
    private readonly reports: ClusterReports,
    private readonly hub: EventHub,
  ) {}

  start(): void {
    this.stops = [
      every(this.clock, LOOK_MS, () => this.look()),
      every(this.clock, LOOK_AT_NAMES_MS, () => this.lookAtNames()),
    ];
    this.hub.on('peer.up', ({ peer }) => {
      this.missing.found(peer.name);
      this.ended(peer.name);
    });
  }

  stop(): void {
    for (const stop of this.stops.splice(0)) stop();
  }

  private look(): void {
    this.lookAtPeers();
    this.lookAtNotes();
  }

  private lookAtPeers(): void {
    const isolation = this.reports.isolation();
    if (!isolation) return;
    const { forMs, cause, key, isOrdinary } = isolation;
    const agoMs = this.clock.now() - (this.told?.atMs ?? Number.NEGATIVE_INFINITY);
    const isNews = key !== this.told?.key && agoMs >= CHANGE_MS;
    if (!isNews && (isOrdinary || agoMs < AGAIN_MS)) return;
    this.told = { key, atMs: this.clock.now() };
    const line = printable(`This node is alone, for ${duration(forMs)} now. ${cause}`);
    if (isOrdinary) this.logger.log(line);
    else this.logger.warn(line);
  }

  private lookAtNames(): void {
    // Who is alone says it otherwise.
    if (this.mesh.peers.length === 0) return;
    const news = this.missing.look(this.reports.explain(), this.clock.now());
    if (news !== undefined) this.logger.warn(printable(news));
  }

  private ended(peer: string): void {
    if (!this.told) return;
    this.told = undefined;
    const forMs = this.reports.aloneForMs;
    this.logger.log(`This node is alone no more: ${peer} is there, after ${duration(forMs)}`);
  }

  private lookAtNotes(): void {
    const nowMs = this.clock.now();
    for (const note of this.reports.troubles()) {
      const key = note.replace(/\d+/g, '#');
      if (nowMs - (this.notes.get(key) ?? Number.NEGATIVE_INFINITY) < AGAIN_MS) continue;
      this.notes.set(key, nowMs);
      this.logger.warn(note);
    }
  }
}
