import { Inject, Injectable, Logger } from '@nestjs/common';
import { describeError } from '../errors/peerage-error.js';
import type { LoopBlock } from '../time/loop-watch.js';
import { duration, seconds } from '../time/seconds.js';
import type { Clock } from '../time/clock.js';
import type { Mesh } from '../mesh/mesh.js';
import { formatHostPort } from '../naming/node-name.js';
import { isLoopback } from '../options/hosts.js';
import { LOG_CONTEXT, PEERAGE_CLOCK, PEERAGE_MESH, PEERAGE_SETTINGS } from '../peerage.constants.js';
import type { PeerageSettings } from '../peerage.options.js';
import type { ClusterEvent, PollReport } from './cluster.events.js';
import { EventHub } from './event-hub.js';
import { whyOf } from './event-words.js';
import { pollTable } from './poll-table.js';
import { RefusalLog } from './refusal-log.js';

/** From this many nodes on, a full mesh is more than it was made for. */
const LARGE_CLUSTER = 256;

/** Tells the log what happens. */
@Injectable()
export class ClusterLog {
  private readonly logger = new Logger(LOG_CONTEXT);
  private readonly refusals: RefusalLog;

  constructor(
    @Inject(PEERAGE_SETTINGS) private readonly settings: PeerageSettings,
    @Inject(PEERAGE_MESH) private readonly mesh: Mesh,
    private readonly hub: EventHub,
    @Inject(PEERAGE_CLOCK) clock: Clock,
  ) {
    this.refusals = new RefusalLog(
      (message) => this.logger.warn(message),
      () => clock.now(),
    );
  }

  /** Logs every event from now on. */
  listen(): void {
    this.hub.onAny((event) => this.log(event));
  }

  /** The line at start: who we are, where we listen, how we are protected. */
  started(): void {
    const { self } = this.mesh;
    const { listening } = this.mesh.explain();
    const where = listening ? ` listens on ${formatHostPort(listening.host, listening.port)},` : ' runs';
    this.logger.log(`${self.name}${where} in cluster "${this.settings.cluster}", ${this.protection()}`);
    if (listening && !this.settings.portIsFixed && listening.port !== this.settings.port)
      this.logger.log(`Port ${this.settings.port} is taken, so the free port ${listening.port} is used`);
    for (const warning of this.settings.warnings) this.logger.warn(warning);
    this.tellOfPlaintext();
  }

  /** Our own event loop did not run for a while. */
  blocked({ forMs, busy }: LoopBlock): void {
    const why =
      busy > 0.5
        ? 'Its own code kept it busy: look for work that takes long without a pause'
        : 'This process hardly ran meanwhile: it was stopped, starved of processor time, or waited in a synchronous call';
    this.logger.warn(
      `The event loop of this node was blocked for ${seconds(forMs)} until now. ${why}. Peers may have seen it as ` +
        'degraded, and requests to it waited',
    );
  }

  /** Boot goes on although peers are missing. */
  goesOnWithout(error: unknown): void {
    this.logger.warn(`Boot goes on without the peers it waited for. ${describeError(error)}`);
  }

  private protection(): string {
    const { kind } = this.settings.security;
    if (kind === 'none') return 'not encrypted';
    return kind === 'secret' ? 'encrypted, members know the secret' : 'encrypted, members show a certificate';
  }

  private tellOfPlaintext(): void {
    const { security, bind, secretIsUndefined } = this.settings;
    if (security.kind !== 'none') return;
    if (secretIsUndefined)
      this.logger.warn(
        'The option secret was given, but is undefined: is the variable set that it comes from?',
      );
    if (bind !== undefined && isLoopback(bind))
      this.logger.log(
        'There is no secret, so only nodes on this machine can join. For a cluster of several machines give all ' +
          'of them the same secret (option secret, or PEERAGE_SECRET)',
      );
    else
      this.logger.warn(
        'Connections are plaintext and anybody who reaches this port can join, as insecure: true asks for',
      );
  }

  private log(event: ClusterEvent): void {
    switch (event.type) {
      case 'peer.up':
      case 'peer.down':
      case 'peer.degraded':
      case 'peer.recovered':
      case 'peer.leaving':
        return this.change(event.type, event.peer.name, whyOf(event));
      case 'peer.updated':
        return this.logger.debug(`peer.updated ${event.peer.name}`);
      case 'peer.refused':
        return this.refusals.log(event);
      case 'provider.failed':
        return this.logger.warn(`Provider ${event.provider} failed: ${whyOf(event)}`);
      case 'provider.recovered':
        return this.logger.log(
          `Provider ${event.provider} works again; it had failed for ${duration(event.failedForMs)}`,
        );
      case 'poll':
        return this.polled(event.report);
    }
  }

  private change(type: string, name: string, why?: string): void {
    const count = this.mesh.peers.length;
    const line = `${type} ${name} (${count} ${count === 1 ? 'peer' : 'peers'})`;
    this.logger.log(why === undefined ? line : `${line}: ${why}`);
    if (type === 'peer.up' && count + 1 === LARGE_CLUSTER) this.warnOfSize();
  }

  private warnOfSize(): void {
    this.logger.warn(
      `This cluster has ${LARGE_CLUSTER} nodes. Each has a connection to every other one, which is made for about ` +
        `200; at ${this.settings.limits.peers} peers (limits.peers) more are refused. Split it: give parts of it ` +
        'different cluster labels, or move work that needs no peers out of it',
    );
  }

  private polled(report: PollReport): void {
    if (this.settings.logResults && Logger.isLevelEnabled('debug'))
      this.logger.debug(pollTable(report, this.mesh.self.name));
  }
}
