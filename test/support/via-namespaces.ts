import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';

let count = 0;

/** A network namespace that a test made, with name resolution of its own. */
export class Namespace {
  readonly name = `via-${process.pid}-${(count += 1)}`;

  constructor(files: { resolvConf?: string; hosts?: string } = {}) {
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

/** A switch in a namespace of its own, and hosts on it: 10.77.0.1, 10.77.0.2, … as interface `eth0`. */
export class Network {
  readonly hosts: Namespace[] = [];
  private readonly hub = new Namespace();

  constructor() {
    this.hub.ip('link', 'add', 'br0', 'type', 'bridge', 'mcast_snooping', '0');
    this.hub.ip('link', 'set', 'br0', 'up');
  }

  /** `before`: what the host has before it is plugged in. */
  addHost(before: (host: Namespace) => void = () => {}): Namespace {
    const host = new Namespace();
    this.hosts.push(host);
    before(host);
    this.plugIn(host);
    return host;
  }

  addressOf(host: Namespace): string {
    return `10.77.0.${this.hosts.indexOf(host) + 1}`;
  }

  /** Gives the host a new network card, as after one was removed. */
  plugIn(host: Namespace): void {
    const port = `port${this.hosts.indexOf(host) + 1}`;
    this.hub.ip('link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', host.name);
    this.hub.ip('link', 'set', port, 'master', 'br0', 'up');
    host.ip('addr', 'add', `${this.addressOf(host)}/24`, 'broadcast', '10.77.0.255', 'dev', 'eth0');
    host.ip('link', 'set', 'eth0', 'up');
  }

  delete(): void {
    for (const namespace of [...this.hosts, this.hub]) namespace.delete();
  }
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: 'pipe' });
}
