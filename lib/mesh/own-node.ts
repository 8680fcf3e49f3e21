import { randomBytes } from 'node:crypto';
import type { SelfChange } from '../membership/membership.types.js';
import type { ExternalAddress } from '../naming/hosts.js';
import type { NodeInfo } from '../naming/node-info.js';
import { formatNodeName, parseHostPort, parseNodeName } from '../naming/node-name.js';
import type { PeerageSettings } from '../peerage.options.js';
import { type Clock, every } from '../time/clock.js';
import { type HostChange, ToldHost } from './told-host.js';

/** Whether the told address is still one of this machine is looked at this often. */
const LOOK_AGAIN_MS = 5_000;

/** What peers dial: the whole name, and its host and port. */
type DialledName = Pick<NodeInfo, 'name' | 'host' | 'port'>;

/** Who this node is, and at which address of this machine, as it tells its peers. */
export class OwnNode {
  private node: NodeInfo;
  private readonly toldHost: ToldHost | undefined;

  constructor(
    private readonly settings: PeerageSettings,
    ownAddresses: (() => readonly ExternalAddress[]) | undefined,
    /** Says something to people. */
    private readonly warn: (message: string) => void,
    /** Called with what peers are told anew. */
    private readonly changed: (change: SelfChange) => void,
  ) {
    const { host, hostIsDetected, port, meta } = settings;
    if (ownAddresses) this.toldHost = new ToldHost(host, ownAddresses, !hostIsDetected);
    this.node = { ...nameOf(settings, port), bootId: randomBytes(16).toString('hex'), meta };
  }

  get info(): NodeInfo {
    return this.node;
  }

  /** What is wrong with the address that peers are told, for people. */
  get notes(): string[] {
    return this.toldHost?.notes ?? [];
  }

  /** Who cannot reach the address that it listens on, for people. */
  get bindNotes(): string[] {
    const { security, bind } = this.settings;
    if (security.kind !== 'none' || bind === undefined || this.isForThisMachine) return [];
    return [
      `Without a secret this node listens on ${bind} only: nodes on other machines cannot reach it. Set the same \`secret\` on all.`,
    ];
  }

  /** It looks for nodes of this machine, and for no others. */
  private get isForThisMachine(): boolean {
    const names = this.settings.via.map((via) => (typeof via === 'object' ? via.name : undefined));
    return names.includes('local') && names.every((name) => name === 'local' || name === 'self');
  }

  /** It listens, on this port. */
  listensOn(port: number): void {
    this.node = { ...this.node, ...nameOf(this.settings, port) };
  }

  setMeta(meta: NodeInfo['meta']): void {
    this.change({ meta });
  }

  /** Looks whether the address is still one of this machine, every now and then. Returns the function that ends it. */
  watchAddress(clock: Clock): () => void {
    const { toldHost } = this;
    if (!toldHost || !this.settings.hostIsDetected) return () => {};
    return every(clock, LOOK_AGAIN_MS, () => this.tell(toldHost.lookAgain()));
  }

  /** A provider lists these names. */
  listed(names: readonly string[]): void {
    if (this.toldHost) this.tell(this.toldHost.listed(hostsAt(names, this.node.port)));
  }

  /** Another node, reached at `remoteAddress`, says that it has our address. */
  taken(remoteAddress: string): void {
    this.tell(this.toldHost?.taken(parseHostPort(remoteAddress).host));
  }

  /** Another live node has our address; from `ours`, one of this machine, others are reached. */
  addressTaken(ours: string): void {
    this.tell(this.toldHost?.taken(ours));
  }

  /** No peer can connect to the address that we tell, says the one that is reached at `remoteAddress`. */
  unreached(remoteAddress: string): void {
    this.tell(this.toldHost?.unreached(parseHostPort(remoteAddress).host));
  }

  /** Whether a connection to this host ends at this machine. */
  isHere(host: string): boolean {
    return this.toldHost?.isHere(host) ?? false;
  }

  /** Peers are told another address of this machine from now on. */
  private tell(change: HostChange | undefined): void {
    if (!change) return;
    const before = this.node.name;
    this.change(atHost(this.node, change.host));
    this.warn(
      `This node is ${this.node.name} from now on, it was ${before}: ${change.because}. Give host, or PEERAGE_HOST, to say which address peers should dial.`,
    );
  }

  private change(change: SelfChange): void {
    this.node = { ...this.node, ...change };
    this.changed(change);
  }
}

/** The name by the settings, for a node that listens on this port. */
function nameOf(settings: PeerageSettings, listenPort: number): DialledName {
  const { app, host, port } = settings.name ?? {
    app: settings.appName,
    host: settings.host,
    port: listenPort,
  };
  return { name: formatNodeName({ app, host, port }), host, port };
}

/** The same node at another host. */
function atHost({ name, port }: NodeInfo, host: string): DialledName {
  return { name: formatNodeName({ app: parseNodeName(name).app, host, port }), host, port };
}

/** The hosts of names that have our port. */
function hostsAt(names: readonly string[], ownPort: number): string[] {
  return names.flatMap((name) => {
    const { host, port } = parseNodeName(name);
    return port === ownPort ? [host] : [];
  });
}
