import { Inject, Injectable, Logger } from '@nestjs/common';
import { describeError } from '../errors/peerage-error.js';
import type { DownEvidence, DownReason } from '../membership/events.js';
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
        return this.change(event.type, event.peer.name);
      case 'peer.down':
        return this.change(event.type, event.peer.name, describeDown(event.reason, event.evidence));
      case 'peer.degraded':
        return this.change(
          event.type,
          event.peer.name,
          `its event loop is blocked for ${seconds(event.lagMs)}`,
        );
      case 'peer.recovered':
        return this.change(event.type, event.peer.name, 'its event loop runs again');
      case 'peer.leaving':
        return this.change(event.type, event.peer.name, 'it shuts down');
      case 'peer.updated':
        return this.logger.debug(`peer.updated ${event.peer.name}`);
      case 'peer.refused':
        return this.refusals.log(event);
      case 'provider.failed':
        return this.logger.warn(`Provider ${event.provider} failed: ${describeError(event.error)}`);
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

function describeDown(reason: DownReason, evidence: DownEvidence): string {
  const { closed, redial, silentMs, unheardMs, probes, asked } = evidence;
  switch (reason) {
    case 'left':
      return 'it said goodbye';
    case 'replaced':
      return 'another process answers at its name';
    case 'disconnected':
      return 'disconnected by the app';
    case 'closed':
      return `its connection ended${note(closed)} and dialling it again failed${note(redial?.code)}`;
    case 'timeout': {
      const others = asked.map(({ name, answer }) => `${name} ${answer}`).join(', ');
      const silence =
        unheardMs === undefined
          ? `silent for ${seconds(silentMs)}`
          : `it has not heard us for ${seconds(unheardMs)}`;
      const probed = `${silence}, ${probes.answered} of ${probes.sent} probes answered`;
      return `${probed}; asked: ${others || 'nobody, there is no other peer'}`;
    }
  }
}

function note(code: string | undefined): string {
  return code === undefined ? '' : ` (${code})`;
}
