import { execFileSync } from 'node:child_process';
import { type Namespace, Network } from '../providers/via-namespaces.js';

const networks = new Set<ClusterNetwork>();
// A test that is cut short must leave nothing behind on the machine.
process.on('exit', () => networks.forEach((network) => network.delete()));

/** Hosts on a switch, whose cables can be pulled and whose packets can be dropped. */
export class ClusterNetwork extends Network {
  constructor() {
    super();
    networks.add(this);
  }

  nameOf(host: Namespace, port: number): string {
    return `app@${this.addressOf(host)}:${port}`;
  }

  /** The network card of this host is down, as it says itself. */
  down(host: Namespace): void {
    host.ip('link', 'set', 'eth0', 'down');
  }

  up(host: Namespace): void {
    host.ip('link', 'set', 'eth0', 'up');
  }

  /** From now on this host neither takes nor sends a packet of its network, and nobody is told. */
  silence(host: Namespace): void {
    nft(host, 'add table inet cut');
    nft(host, 'add chain inet cut in { type filter hook input priority 0; }');
    nft(host, 'add chain inet cut out { type filter hook output priority 0; }');
    nft(host, 'add rule inet cut in iifname eth0 drop');
    nft(host, 'add rule inet cut out oifname eth0 drop');
  }

  heal(host: Namespace): void {
    nft(host, 'delete table inet cut');
  }

  override delete(): void {
    if (networks.delete(this)) super.delete();
  }
}

function nft(host: Namespace, rule: string): void {
  execFileSync('ip', ['netns', 'exec', host.name, 'nft', rule], { stdio: 'pipe' });
}
