import { BlockList, isIP } from 'node:net';

/** An address of this machine that others may reach. */
export interface OwnAddress {
  readonly address: string;
  /** Bits of its network; missing where nobody tells. */
  readonly prefix?: number;
}

/** Another address is told from now on, and why. */
export interface HostChange {
  readonly host: string;
  readonly because: string;
}

/**
 * Which address of this machine peers are told, when nobody gave one. The first of them is a guess, which holds
 * until there is evidence of a better one: a provider lists another of ours, another machine has the same one, or
 * it is no address of this machine any more.
 */
export class ToldHost {
  /** `addresses`: those of now, the likeliest first. */
  constructor(
    private host: string,
    private readonly addresses: () => readonly OwnAddress[],
  ) {}

  /** A provider lists these hosts. When some are ours and the one we tell is not among them, one of them it is. */
  listed(hosts: readonly string[]): HostChange | undefined {
    if (hosts.includes(this.host)) return undefined;
    const listed = new Set(hosts);
    const ours = this.addresses().find(({ address }) => listed.has(address));
    return ours && this.change(ours.address, 'a provider lists it');
  }

  /** Another node says that it has our address; it is reached at `remote`. */
  taken(remote: string): HostChange | undefined {
    const family = isIP(remote);
    if (family === 0) return undefined;
    const nearby = this.addresses().find(
      ({ address, prefix }) =>
        isIP(address) === family && prefix !== undefined && isIn(remote, address, prefix),
    );
    return (
      nearby && this.change(nearby.address, `another node has ${this.host} as well, and is reached from it`)
    );
  }

  /** Addresses come and go: a lease ends, a laptop moves. */
  lookAgain(): HostChange | undefined {
    const addresses = this.addresses();
    const [first] = addresses;
    if (!first || addresses.some(({ address }) => address === this.host)) return undefined;
    return this.change(first.address, `${this.host} is no address of this machine any more`);
  }

  private change(host: string, because: string): HostChange | undefined {
    if (host === this.host) return undefined;
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
