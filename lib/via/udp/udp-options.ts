import { assertOptionNames, type OptionNames } from '../../naming/option-names.js';
import { isIPv4 } from 'node:net';
import { OptionFaults } from '../option-faults.js';

/**
 * Options of {@link viaUdp}.
 *
 * @publicApi
 */
export interface ViaUdpOptions {
  /** Several processes of a host may share it. @default 45900 */
  readonly port?: number | undefined;
  /** @default '230.1.1.1' */
  readonly multicastAddr?: string | undefined;
  /** The interface to announce and listen on, by its IPv4 address. @default '0.0.0.0', every interface */
  readonly ip?: string | undefined;
  /** How many routers an announcement may cross, plus one. @default 1, which stays in the local network */
  readonly ttl?: number | undefined;
  /** Send to the broadcast address of each interface, for networks without multicast. @default false */
  readonly broadcast?: boolean | undefined;
}

/** The options with every default filled in. */
export type UdpSettings = { readonly [Key in keyof ViaUdpOptions]-?: NonNullable<ViaUdpOptions[Key]> };

/** The group of the Elixir library's `Peerage.Via.Udp`. */
export const DEFAULT_GROUP = '230.1.1.1';

const NAMES: OptionNames<ViaUdpOptions> = {
  port: true,
  multicastAddr: true,
  ip: true,
  ttl: true,
  broadcast: true,
};

/** @throws PeerageError `INVALID_OPTIONS`, naming everything that is wrong. */
export function udpSettings(options: ViaUdpOptions): UdpSettings {
  assertOptionNames('viaUdp()', options, NAMES);
  const {
    port = 45_900,
    multicastAddr = DEFAULT_GROUP,
    ip = '0.0.0.0',
    ttl = 1,
    broadcast = false,
  } = options;
  const faults = new OptionFaults('viaUdp()');
  faults.port(port);
  if (!isMulticast(multicastAddr)) {
    faults.add(`multicastAddr ${JSON.stringify(multicastAddr)} is not between 224.0.0.0 and 239.255.255.255`);
  }
  if (!isIPv4(ip)) faults.add(`ip ${JSON.stringify(ip)} is not an IPv4 address`);
  if (!Number.isInteger(ttl) || ttl < 1 || ttl > 255)
    faults.add(`ttl ${String(ttl)} is not between 1 and 255`);
  faults.throwIfAny();
  return { port, multicastAddr, ip, ttl, broadcast };
}

function isMulticast(address: unknown): boolean {
  if (typeof address !== 'string' || !isIPv4(address)) return false;
  const first = Number(address.split('.')[0]);
  return first >= 224 && first <= 239;
}
