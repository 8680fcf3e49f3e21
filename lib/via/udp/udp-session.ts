import type { RemoteInfo, Socket } from 'node:dgram';
import { describeError, PeerageError } from '../../errors/peerage-error.js';
import { isLoopback } from '../../naming/hosts.js';
import type { NodeInfo } from '../../naming/node-info.js';
import { canonicalName, formatNodeName, parseNodeName } from '../../naming/node-name.js';
import { Sleeper } from '../../time/sleeper.js';
import { decodeAnnouncement, encodeAnnouncement } from './announcement.js';
import type { HeardNames } from './heard-names.js';
import type { ServeContext } from '../provider.js';
import { UdpEchoes } from './udp-echoes.js';
import type { UdpInterface } from './udp-interfaces.js';
import { udpInterfaces } from './udp-interfaces.js';
import type { UdpSettings } from './udp-options.js';
import { joinGroup, openReceiver, sendFrom } from './udp-sockets.js';

const ANNOUNCE_EVERY_MS = 3_000;
const ANNOUNCE_JITTER_MS = 4_000;
/** While it is not known whether announcements come back. */
const ANNOUNCE_IN_DOUBT_MS = 1_000;
/** Between two announcements, however many names are new: a flood is not answered with a flood. */
const ANSWER_EVERY_MS = 200;
/** Announcements in a row that left through no interface, before that is called a failure. */
const MAX_MUTE_ANNOUNCEMENTS = 3;

/** One run of the UDP provider: hears until the signal aborts, and announces this node. */
export class UdpSession {
  private receiver?: Socket;
  private receiverAddresses = '';
  private failure?: PeerageError;
  private nextAnnounceAtMs = 0;
  private lastAnnounceAtMs = -Infinity;
  private muteAnnouncements = 0;
  private readonly echoes = new UdpEchoes();
  /** Addresses on which the system does not let us listen, which was told. */
  private unjoined: readonly string[] = [];
  /** Under which this node announces itself. */
  private ownNames: ReadonlySet<string> = new Set();
  private readonly sleeper: Sleeper;

  constructor(
    private readonly settings: UdpSettings,
    private readonly keys: readonly Buffer[],
    private readonly heard: HeardNames,
    private readonly context: ServeContext,
  ) {
    this.sleeper = new Sleeper(context.signal);
  }

  /** @throws PeerageError `PROVIDER_FAILED` when nobody can be heard any more. */
  async run(): Promise<void> {
    const { signal } = this.context;
    try {
      while (!signal.aborted) {
        const interfaces = udpInterfaces(this.settings);
        await this.listenOn(interfaces);
        await this.announceOn(interfaces);
        await this.untilNextAnnouncement();
        if (this.failure) throw this.failure;
      }
    } finally {
      this.receiver?.close();
    }
  }

  /** Listens on these interfaces: on a new socket when they are not those of before. */
  private async listenOn(interfaces: readonly UdpInterface[]): Promise<void> {
    const addresses = interfaces.map(({ address }) => address).join();
    try {
      if (this.receiver && addresses === this.receiverAddresses) {
        this.tellOfUnjoined(joinGroup(this.receiver, this.settings, interfaces));
        return;
      }
      const receiver = await openReceiver(this.settings, interfaces);
      receiver.on('message', (datagram, from) => this.onDatagram(datagram, from));
      receiver.on('error', (error) => this.fail(error));
      this.receiver?.close();
      this.receiver = receiver;
      this.receiverAddresses = addresses;
      this.tellOfUnjoined(joinGroup(receiver, this.settings, interfaces));
    } catch (error) {
      throw cannotListen(this.settings, error);
    }
  }

  private tellOfUnjoined(addresses: readonly string[]): void {
    this.unjoined = addresses;
    if (addresses.length === 0) return;
    const { ip } = this.settings;
    this.context.warn?.(
      `Nodes may not be heard on ${addresses.join(', ')}: the system lets one socket listen on no more interfaces. ` +
        `Raise net.ipv4.igmp_max_memberships (sysctl)${ip === '0.0.0.0' ? ', or give ip, the address of the interface to use' : ''}.`,
    );
  }

  private async announceOn(interfaces: readonly UdpInterface[]): Promise<void> {
    const pauseMs = this.echoes.isDoubtful
      ? ANNOUNCE_IN_DOUBT_MS
      : ANNOUNCE_EVERY_MS + Math.random() * ANNOUNCE_JITTER_MS;
    this.lastAnnounceAtMs = performance.now();
    this.nextAnnounceAtMs = this.lastAnnounceAtMs + pauseMs;
    const { self } = this.context;
    // Under every key, so that nodes in the middle of a change of secrets hear each other.
    const keys = this.keys.length === 0 ? [undefined] : this.keys;
    const reached = this.reachedFrom(interfaces, self.host);
    this.awaitEchoes(reached);
    const announced = reached.flatMap((each) =>
      namesOn(each, self, interfaces).map((name) => ({ each, name })),
    );
    this.ownNames = new Set(announced.map(({ name }) => canonicalName(name)));
    const sent = await Promise.allSettled(
      announced.flatMap(({ each, name }) =>
        keys.map((key) => sendFrom(each, this.settings, encodeAnnouncement(name, key))),
      ),
    );
    const failed = sent.find((result) => result.status === 'rejected');
    if (sent.some((result) => result.status === 'fulfilled')) this.muteAnnouncements = 0;
    else if (++this.muteAnnouncements >= MAX_MUTE_ANNOUNCEMENTS) {
      throw cannotAnnounce(failed?.reason ?? new Error('no interface to send from'));
    }
  }

  /** Tells where none of the last announcements came back; this one should, on every network. */
  private awaitEchoes(reached: readonly UdpInterface[]): void {
    const { unheard } = this.echoes;
    if (unheard.length > 0) this.context.warn?.(comesNotBack(unheard, this.settings));
    const external = reached.filter(({ isInternal }) => !isInternal);
    const awaited = external.length > 0 ? external : reached;
    const addresses = awaited.map(({ address }) => address);
    this.echoes.announced(addresses.filter((address) => !this.unjoined.includes(address)));
  }

  /** Who can only be reached from this host need not be known beyond it. */
  private reachedFrom(interfaces: readonly UdpInterface[], host: string): readonly UdpInterface[] {
    const isChosen = this.settings.ip !== '0.0.0.0';
    return isChosen || !isLoopback(host) ? interfaces : interfaces.filter(({ isInternal }) => isInternal);
  }

  private async untilNextAnnouncement(): Promise<void> {
    while (!this.context.signal.aborted && !this.failure) {
      const waitMs = this.nextAnnounceAtMs - performance.now();
      if (waitMs <= 0) return;
      await this.sleeper.sleep(waitMs);
    }
  }

  private onDatagram(datagram: Buffer, from: RemoteInfo): void {
    const name = decodeAnnouncement(datagram, this.keys);
    if (name === undefined) return;
    // Our own voice, also from another card: to list it would say that this address is the better one.
    if (name === canonicalName(this.context.self.name) || this.ownNames.has(name))
      return this.echoes.heard(from.address);
    const { isNew, report } = this.heard.hear(name, from.address, performance.now());
    if (report) this.context.found([name]);
    if (isNew) this.answerSoon();
  }

  /** A newcomer has not heard us yet. */
  private answerSoon(): void {
    this.nextAnnounceAtMs = Math.min(this.nextAnnounceAtMs, this.lastAnnounceAtMs + ANSWER_EVERY_MS);
    this.sleeper.wake();
  }

  private fail(error: unknown): void {
    this.failure = cannotListen(this.settings, error);
    this.sleeper.wake();
  }
}

/**
 * Under which names this node announces itself on an interface. With several networks the address that it tells may
 * be one that this network cannot reach, or that another node there has as well: so the address that it has here is
 * announced, too.
 */
function namesOn(
  { address, isInternal }: UdpInterface,
  { name, host, port }: NodeInfo,
  interfaces: readonly UdpInterface[],
): string[] {
  const isOneOfOurs = interfaces.some((each) => each.address === host);
  if (isInternal || address === host || !isOneOfOurs) return [name];
  return [name, formatNodeName({ app: parseNodeName(name).app, host: address, port })];
}

function comesNotBack(addresses: readonly string[], { port, multicastAddr, broadcast }: UdpSettings): string {
  const what = broadcast ? `broadcasts to UDP port ${port}` : `multicast to ${multicastAddr}:${port}`;
  const cure = broadcast ? 'Find nodes otherwise (dns:, list:)' : 'Try viaUdp({ broadcast: true }), or dns:';
  return (
    `Nodes are not heard on ${addresses.join(', ')}, nor perhaps heard from there: this host drops ${what}, since its own ` +
    `does not come back to it. ${cure}, or have its firewall let it in and out.`
  );
}

function cannotListen({ port, multicastAddr, broadcast }: UdpSettings, cause: unknown): PeerageError {
  const where = broadcast ? `UDP port ${port}` : `${multicastAddr}:${port}`;
  return new PeerageError(
    'PROVIDER_FAILED',
    `Cannot hear announcements on ${where}: ${describeError(cause)}. Check that the network is up and that ` +
      `no other program holds the port for itself.`,
    { cause },
  );
}

function cannotAnnounce(cause: unknown): PeerageError {
  return new PeerageError(
    'PROVIDER_FAILED',
    `Cannot announce this node by UDP: ${describeError(cause)}. Check that the network is up and lets ` +
      `multicast out; where it does not, viaUdp({ broadcast: true }) may help.`,
    { cause },
  );
}
