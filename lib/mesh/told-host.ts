import { BlockList, isIP } from 'node:net';
import { type ExternalAddress, isLinkLocal, isLoopback } from '../naming/hosts.js';

/** Another address is told from now on, and why. */
export interface HostChange {
  readonly host: string;
  readonly because: string;
}

/**
 * Which address of this machine peers are told. When nobody gave one, the first of them is a guess, which holds
 * until there is evidence of a better one: a provider lists another of ours, another machine has the same one, or
 * it is no address of this machine any more.
 */
export class ToldHost {
  private readonly outOfReach = new Set<string>();
  /** Those that another machine has as well: that they are listed says nothing. */
  private readonly shared = new Set<string>();
  private readonly wasOurs: boolean;

  /** `addresses`: those of now, the likeliest first. */
  constructor(
    private host: string,
    private readonly addresses: () => readonly ExternalAddress[],
    /** Somebody gave it, so it stays as it is. */
    private readonly isGiven = false,
  ) {
    this.wasOurs = this.isOurs;
  }

  /** What is wrong with a host that was given, for people. Behind a router it never was an address of this machine. */
  get notes(): string[] {
    if (!this.isGiven || !this.wasOurs || this.isOurs) return [];
    return [
      `${this.host}, the host that was given, is no address of this machine any more: peers cannot connect to it. ` +
        'Give another one, or leave it out, and it changes with the machine.',
    ];
  }

  /** Whether a connection to this host ends at this machine. */
  isHere(host: string): boolean {
    return isLoopback(host) || this.addresses().some(({ address }) => address === host);
  }

  private get isOurs(): boolean {
    return this.addresses().some(({ address }) => address === this.host);
  }

  /** A provider lists these hosts. When some are ours and the one we tell is not among them, one of them it is. */
  listed(hosts: readonly string[]): HostChange | undefined {
    if (hosts.includes(this.host)) return undefined;
    const listed = new Set(hosts.filter((host) => !this.shared.has(host)));
    const ours = this.addresses().find(({ address }) => listed.has(address));
    return ours && this.change(ours.address, 'a provider lists it');
  }

  /** Another node has our address; others are reached at `remote`, or from it when it is ours. */
  taken(remote: string): HostChange | undefined {
    const nearby = this.near(remote);
    if (nearby === undefined) return undefined;
    const { host } = this;
    const because = `another node has ${host} as well, and others are reached from ${nearby}`;
    const change = this.change(nearby, because);
    if (change) this.shared.add(host);
    return change;
  }

  /** No peer can connect to the address that we tell, says one that is reached at `remote`. */
  unreached(remote: string): HostChange | undefined {
    this.outOfReach.add(this.host);
    const nearby = this.near(remote);
    // Peers of several networks would have it change to and fro.
    if (nearby === undefined || this.outOfReach.has(nearby)) return undefined;
    return this.change(nearby, `no peer can connect to ${this.host}, and one is in the network of this one`);
  }

  /** Addresses come and go: a lease ends, a laptop moves. */
  lookAgain(): HostChange | undefined {
    const [first] = this.addresses();
    if (!first) return undefined;
    if (isLinkLocal(this.host) && !isLinkLocal(first.address))
      return this.change(first.address, `${this.host} reaches few, and this machine has a better one now`);
    if (this.isOurs) return undefined;
    const because = isLoopback(this.host)
      ? 'this machine had no address for others before'
      : `${this.host} is no address of this machine any more`;
    return this.change(first.address, because);
  }

  /** Our address on the network of another one. */
  private near(remote: string): string | undefined {
    const family = isIP(remote);
    if (family === 0) return undefined;
    const addresses = this.addresses();
    const own = addresses.find(({ address }) => address === remote);
    const nearby = addresses.find(
      ({ address, prefix }) =>
        isIP(address) === family && prefix !== undefined && isIn(remote, address, prefix),
    );
    return (own ?? nearby)?.address;
  }

  private change(host: string, because: string): HostChange | undefined {
    if (this.isGiven || host === this.host) return undefined;
    this.host = host;
    return { host, because };
  }
}

function isIn(address: string, network: string, prefix: number): boolean {
  const family = isIP(network) === 6 ? 'ipv6' : 'ipv4';
  const block = new BlockList();
  block.addSubnet(network, prefix, family);
  return block.check(address, family);
}
