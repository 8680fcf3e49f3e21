import { type Dnsmasq, startDnsmasq } from '../providers/dnsmasq.js';
import { ClusterNetwork } from './network.js';
import { addAddress, type Namespace } from '../providers/via-namespaces.js';

/** What answers names on a platform. */
export interface PlatformDns {
  /** On every host of its own, as a local agent or the engine of containers; else one beyond the gateway. */
  readonly isLocal?: boolean;
  readonly at: string;
  /** @default 53 */
  readonly port?: number;
  /** Configuration of dnsmasq. */
  readonly lines: readonly string[];
}

/** The network of a platform: its hosts are on one switch, which routes between their networks. */
export interface PlatformPlan {
  /** Each with the bits of its network. */
  readonly addresses: readonly string[];
  /** Where the hosts send what is not for their own network, each with its bits: one for all, or one for each. */
  readonly gateways?: readonly string[];
  readonly resolvConf?: string;
  /** The hosts file, beside `localhost`. */
  readonly hosts?: string;
  readonly dns?: PlatformDns;
  /** What a host has before its card on the common network. */
  readonly before?: (host: Namespace) => void;
}

/** A platform's network, as far as namespaces can be one. */
export class PlatformNetwork extends ClusterNetwork {
  private readonly servers: Dnsmasq[] = [];

  static async build(plan: PlatformPlan): Promise<PlatformNetwork> {
    const network = new PlatformNetwork();
    try {
      for (const address of plan.addresses) network.addPlatformHost(address, plan);
      network.route(plan.gateways ?? []);
      if (plan.dns) await network.serveNames(plan.dns);
      return network;
    } catch (error) {
      await network.end();
      throw error;
    }
  }

  /** A namespace beside the switch, which is everybody's gateway. */
  get gateway(): Namespace {
    return this.hub;
  }

  async end(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()));
    this.delete();
  }

  private addPlatformHost(address: string, { resolvConf, hosts = '', before }: PlatformPlan): void {
    this.addHost({ address, resolvConf, before, hosts: `127.0.0.1 localhost\n${hosts}` });
  }

  private route(gateways: readonly string[]): void {
    if (gateways.length === 0) return;
    const forwarding = ['net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1'];
    this.hub.exec('sysctl', '-qw', ...forwarding);
    for (const gateway of new Set(gateways)) addAddress(this.hub, gateway, 'br0');
    for (const [i, host] of this.hosts.entries()) {
      const [gateway = ''] = (gateways[i] ?? gateways[0]!).split('/');
      host.ip('route', 'add', 'default', 'via', gateway);
    }
  }

  private async serveNames({ isLocal = false, at, port = 53, lines }: PlatformDns): Promise<void> {
    if (!isLocal) addAddress(this.hub, `${at}/${at.includes(':') ? 128 : 32}`, 'br0');
    for (const { name } of isLocal ? this.hosts : [this.hub])
      this.servers.push(await startDnsmasq(lines, { namespace: name, at, port }));
  }
}

/** A card on a network of its own, with the same address on every host. */
export function cardOfItsOwn(host: Namespace, name: string, address: string): void {
  host.ip('link', 'add', name, 'type', 'bridge');
  addAddress(host, address, name);
  host.ip('link', 'set', name, 'up');
}
