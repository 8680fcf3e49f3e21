import { Inject, Injectable, Logger } from '@nestjs/common';
import { describeError } from '../errors/peerage-error.js';
import type { LoopBlock } from '../time/loop-watch.js';
import { duration, seconds } from '../time/seconds.js';
import type { Clock } from '../time/clock.js';
import type { Mesh } from '../mesh/mesh.js';
import { formatHostPort } from '../naming/node-name.js';
import { secretFingerprint } from '../naming/secret-name.js';
import type { DownReason, Peer } from '../membership/events.js';
import { isLoopback } from '../naming/hosts.js';
import { LOG_CONTEXT, PEERAGE_CLOCK, PEERAGE_MESH, PEERAGE_SETTINGS } from '../peerage.constants.js';
import type { PeerageSettings } from '../peerage.options.js';
import { BlockLog } from './block-log.js';
import type { ClusterEvent, PollReport } from './cluster.events.js';
import { EventHub } from './event-hub.js';
import { whyOf } from './event-words.js';
import { ProviderLog } from './provider-log.js';
import { TableChanges, pollTable } from './poll-table.js';
import { RepeatedEnds } from './repeated-ends.js';
import { RefusalLog } from './refusal-log.js';

/** From this many nodes on, a full mesh is more than it was made for. */
const LARGE_CLUSTER = 256;

/** Providers of ours that look beyond this machine. */
const NETWORK = /^(dns(\+srv)?:(?!localhost$)|udp|kubernetes|redis|postgres)/;

/** These ends were wanted; the others are what somebody on call looks for. */
const WANTED: ReadonlySet<DownReason> = new Set(['left', 'disconnected']);

/** So many characters of a boot id are shown. */
const SHOWN_ID = 8;

type PeerChange = Extract<ClusterEvent, { readonly peer: Peer }>;

/** Tells the log what happens. */
@Injectable()
export class ClusterLog {
  private readonly logger = new Logger(LOG_CONTEXT);
  private readonly refusals: RefusalLog;
  private readonly blocks: BlockLog;
  private readonly providers: ProviderLog;
  private readonly ends = new RepeatedEnds();
  /** As of the events so far: several that come at once are told one after the other. */
  private peers = 0;
  private leavingSinceMs = 0;
  private readonly table = new TableChanges();

  constructor(
    @Inject(PEERAGE_SETTINGS) private readonly settings: PeerageSettings,
    @Inject(PEERAGE_MESH) private readonly mesh: Mesh,
    private readonly hub: EventHub,
    @Inject(PEERAGE_CLOCK) private readonly clock: Clock,
  ) {
    this.refusals = new RefusalLog(
      (message) => this.logger.warn(message),
      () => clock.now(),
    );
    this.blocks = new BlockLog((message) => this.logger.warn(message), clock, settings.heartbeat.downMs);
    this.providers = new ProviderLog(this.logger, clock);
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
  blocked(block: LoopBlock): void {
    this.blocks.log(block);
  }

  /** The end: what was kept for later is said. */
  stop(): void {
    this.blocks.stop();
    this.providers.stop();
  }

  /** This node begins to shut down. */
  leaving(drainMs: number): void {
    this.leavingSinceMs = this.clock.now();
    const told = counted(this.mesh.peers.length, 'peer');
    const wait =
      drainMs === 0 ? '' : `, and has up to ${duration(drainMs)} (shutdown.drainMs) for what is under way`;
    this.logger.log(`This node shuts down: it tells ${told}${wait}`);
  }

  /** This node has said goodbye. */
  left(peers: number): void {
    const tookMs = this.clock.now() - this.leavingSinceMs;
    this.logger.log(
      `${this.mesh.self.name} has left the cluster: goodbye to ${counted(peers, 'peer')}, ${seconds(tookMs)} after the shutdown began`,
    );
  }

  /** Boot goes on although peers are missing. */
  warnBootContinues(error: unknown): void {
    this.logger.warn(`Boot goes on without the peers it waited for. ${describeError(error)}`);
  }

  private protection(): string {
    const { security } = this.settings;
    if (security.kind === 'none') return 'not encrypted';
    if (security.kind === 'tls') return 'encrypted, members show a certificate';
    const names = security.secrets.map(secretFingerprint).join(', then ');
    return `encrypted, members know the secret ${names} (fingerprint: the same on every node)`;
  }

  private tellOfPlaintext(): void {
    const { security, bind, secretIsUndefined } = this.settings;
    if (security.kind !== 'none') return;
    if (secretIsUndefined)
      this.logger.warn(
        'The secret was given, but is empty or undefined: is the variable set that it comes from?',
      );
    if (bind !== undefined && isLoopback(bind)) {
      const text =
        'There is no secret, so only nodes on this machine can join. For a cluster of several machines give all ' +
        'of them the same secret (option secret, or PEERAGE_SECRET)';
      const [remote] = this.networkProviders();
      if (remote === undefined) this.logger.log(text);
      else this.logger.warn(`${text}: ${remote} looks for nodes of other machines`);
    } else
      this.logger.warn(
        'Connections are plaintext and anybody who reaches this port can join, as insecure: true asks for',
      );
  }

  /** Names of providers that find nodes of other machines. */
  private networkProviders(): string[] {
    const names = this.settings.via.map((via) => (typeof via === 'object' ? (via.name ?? '') : ''));
    return names.filter((name) => NETWORK.test(name));
  }

  private log(event: ClusterEvent): void {
    switch (event.type) {
      case 'peer.up':
      case 'peer.down':
      case 'peer.degraded':
      case 'peer.recovered':
      case 'peer.leaving':
        return this.change(event, whyOf(event));
      case 'peer.updated':
        return this.logger.debug(`peer.updated ${event.peer.name}`);
      case 'peer.refused':
        return this.refusals.log(event);
      case 'provider.failed':
        return this.providers.failed(event.provider, describeError(event.error));
      case 'provider.recovered':
        return this.providers.recovered(event.provider, event.failedForMs);
      case 'poll':
        return this.polled(event.report);
    }
  }

  private change(event: PeerChange, why?: string): void {
    const { type, peer } = event;
    if (type === 'peer.up') this.peers += 1;
    else if (type === 'peer.down') this.peers -= 1;
    const what = event.type === 'peer.down' ? `${type} (${event.reason})` : type;
    // A few characters of the boot id tell processes of one name apart.
    const line = `${what} ${peer.name} ${peer.bootId.slice(0, SHOWN_ID)}, ${counted(this.peers, 'peer')} now`;
    const text = why === undefined ? line : `${line}: ${why}`;
    if (event.type === 'peer.down' && !WANTED.has(event.reason))
      this.logger.warn(`${text}${this.ends.count(peer.name, this.clock.now())}`);
    else this.logger.log(text);
    if (type === 'peer.up' && this.peers + 1 === LARGE_CLUSTER) this.warnOfSize();
  }

  private warnOfSize(): void {
    this.logger.warn(
      `This cluster has ${LARGE_CLUSTER} nodes. Each has a connection to every other one, which is made for about ` +
        `200; at ${this.settings.limits.peers} peers (limits.peers) more are refused. Split it: give parts of it ` +
        'different cluster labels, or move work that needs no peers out of it',
    );
  }

  private polled(report: PollReport): void {
    if (!this.settings.logResults || !Logger.isLevelEnabled('debug')) return;
    if (!this.table.isNews(report)) return;
    this.logger.debug(pollTable(report, this.mesh.self.name));
  }
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
