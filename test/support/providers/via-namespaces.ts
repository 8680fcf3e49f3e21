import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';

let count = 0;

/** A network namespace that a test made, with name resolution of its own. */
export class Namespace {
  readonly name = `via-${process.pid}-${(count += 1)}`;

  constructor(files: Pick<HostOptions, 'resolvConf' | 'hosts'> = {}) {
    mkdirSync(this.folder, { recursive: true });
    writeFileSync(`${this.folder}/resolv.conf`, files.resolvConf ?? '');
    writeFileSync(`${this.folder}/hosts`, files.hosts ?? '127.0.0.1 localhost\n');
    ip('netns', 'add', this.name);
    this.ip('link', 'set', 'lo', 'up');
  }

  /** `ip` in this namespace. */
  ip(...args: string[]): void {
    ip('-n', this.name, ...args);
  }

  /** Runs a program in this namespace, to its end. */
  exec(...command: string[]): void {
    ip('netns', 'exec', this.name, ...command);
  }

  delete(): void {
    ip('netns', 'delete', this.name);
    rmSync(this.folder, { recursive: true, force: true });
  }

  private get folder(): string {
    return `/etc/netns/${this.name}`;
  }
}

/** What a host of a network has. */
export interface HostOptions {
  /** What the host has before it is plugged in. */
  readonly before?: ((host: Namespace) => void) | undefined;
  readonly resolvConf?: string | undefined;
  readonly hosts?: string | undefined;
  /** Its address on the common network, with the bits of that. @default 10.77.0.1/24, 10.77.0.2/24, … */
  readonly address?: string;
}

/** A switch in a namespace of its own, and hosts on it, each by its interface `eth0`. */
export class Network {
  readonly hosts: Namespace[] = [];
  protected readonly hub = new Namespace();
  private readonly addresses = new Map<Namespace, string>();

  constructor() {
    this.hub.ip('link', 'add', 'br0', 'type', 'bridge', 'mcast_snooping', '0');
    this.hub.ip('link', 'set', 'br0', 'up');
  }

  addHost({ before, address, ...files }: HostOptions = {}): Namespace {
    const host = new Namespace(files);
    this.hosts.push(host);
    this.addresses.set(host, address ?? `10.77.0.${this.hosts.length}/24`);
    before?.(host);
    this.plugIn(host);
    return host;
  }

  addressOf(host: Namespace): string {
    return this.addresses.get(host)!.split('/')[0]!;
  }

  /** Gives the host a new network card, as after one was removed. */
  plugIn(host: Namespace): void {
    const port = `port${this.hosts.indexOf(host) + 1}`;
    this.hub.ip('link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', host.name);
    this.hub.ip('link', 'set', port, 'master', 'br0', 'up');
    addAddress(host, this.addresses.get(host)!, 'eth0');
    host.ip('link', 'set', 'eth0', 'up');
  }

  /** Where all hosts can be reached from: a namespace that is none of them. */
  lookout(): string {
    addAddress(this.hub, '10.77.0.254/24', 'br0');
    return this.hub.name;
  }

  delete(): void {
    for (const namespace of [...this.hosts, this.hub]) namespace.delete();
  }
}

/** An IPv6 address is used at once: nobody else has it. */
export function addAddress(host: Namespace, address: string, device: string): void {
  const how = address.includes(':') ? ['nodad'] : ['broadcast', '+'];
  host.ip('addr', 'add', address, ...how, 'dev', device);
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: 'pipe' });
}
