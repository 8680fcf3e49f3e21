import { canonicalName } from '../../naming/node-name.js';
import type { TakesAnnouncementKeys } from './announcement.js';
import { ANNOUNCEMENT_KEYS } from './announcement.js';
import { HeardNames } from './heard-names.js';
import type { PeerageProvider, PollContext, ServeContext } from '../provider.js';
import type { UdpSettings, ViaUdpOptions } from './udp-options.js';
import { udpSettings } from './udp-options.js';
import { UdpSession } from './udp-session.js';

export type { ViaUdpOptions } from './udp-options.js';

/**
 * Finds nodes of the local network by UDP multicast, on the wire like the Elixir library `peerage`:
 * `Peer:<name>` to 230.1.1.1:45900. A new node announces itself at once, is answered at once, and is
 * announced again after 1 s, and then every 3 to 7 s. Several processes of a host share the port. When the module has a
 * `secret`, announcements are signed and unsigned ones are ignored. At most 1,024 names are kept, each for
 * 30 s after it was last heard.
 *
 * @throws PeerageError `INVALID_OPTIONS`. Its `serve` rejects with `PROVIDER_FAILED`.
 * @publicApi
 */
export function viaUdp(options: ViaUdpOptions = {}): PeerageProvider {
  return new UdpProvider(udpSettings(options));
}

class UdpProvider implements PeerageProvider, TakesAnnouncementKeys {
  readonly name: string;
  private readonly heard = new HeardNames();
  private keys: readonly Buffer[] = [];

  constructor(private readonly settings: UdpSettings) {
    this.name = settings.broadcast
      ? `udp:${settings.port}`
      : `udp:${settings.multicastAddr}:${settings.port}`;
  }

  [ANNOUNCEMENT_KEYS](keys: readonly Buffer[]): void {
    this.keys = keys;
  }

  poll({ self }: PollContext): string[] {
    const ownName = canonicalName(self.name);
    return this.heard.names(performance.now()).filter((name) => name !== ownName);
  }

  serve(context: ServeContext): Promise<void> {
    return new UdpSession(this.settings, this.keys, this.heard, context).run();
  }
}
