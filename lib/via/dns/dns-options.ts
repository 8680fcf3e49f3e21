import { assertOptionNames, type OptionNames } from '../../naming/option-names.js';
import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { isPort } from '../../naming/node-name.js';
import { OptionFaults } from '../option-faults.js';
import type { AddressFamily } from './dns-families.js';

/**
 * Options of {@link viaDns}.
 *
 * @publicApi
 */
export interface ViaDnsOptions {
  /** What is looked up: a headless service, a compose service, any name with addresses. @default 'localhost' */
  readonly dnsName?: string | undefined;
  /** The part before @ of the names. @default that of this node's own name */
  readonly appName?: string | undefined;
  /**
   * The port of the names; with `srv` the records say it. @default the port of this node, since replicas
   * share their configuration. Loopback addresses are listed with port 4370 too, where the first process of
   * a host listens.
   */
  readonly port?: number | undefined;
  /** 4: only A records. 6: only AAAA records. 0: both. @default 0 */
  readonly family?: AddressFamily | undefined;
  /**
   * Look up SRV records: they give host and port, and their targets are looked up as well. A target without
   * an address stays a host name. Search domains of /etc/resolv.conf apply, the hosts file does not.
   * @default false
   */
  readonly srv?: boolean | undefined;
  /**
   * Name servers to ask, such as `10.0.0.2`, `127.0.0.1:8600` or `[fd00::2]:53`. Neither search domains nor
   * the hosts file apply then: give the full name. Addresses are asked for again when their TTL is over, at
   * most every 2 s, and not only at the next poll; SRV records at each poll. @default those of the system
   */
  readonly nameservers?: readonly string[] | undefined;
}

const NAMES: OptionNames<ViaDnsOptions> = {
  dnsName: true,
  appName: true,
  port: true,
  family: true,
  srv: true,
  nameservers: true,
};

const LABEL = /^[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})$/;
const MAX_NAME = 253;

/** @throws PeerageError `INVALID_OPTIONS`, naming everything that is wrong. */
export function validateDnsOptions(options: ViaDnsOptions): void {
  assertOptionNames('viaDns()', options, NAMES);
  const faults = new OptionFaults('viaDns()');
  const { dnsName = 'localhost', family = 0, appName, port, nameservers } = options;
  if (!isDnsName(dnsName))
    faults.add(`dnsName ${JSON.stringify(dnsName)} is not a host name${hint(dnsName)}`);
  faults.appName(appName);
  faults.port(port);
  if (![0, 4, 6].includes(family)) faults.add(`family ${String(family)} is not 0, 4 or 6`);
  if (nameservers !== undefined) faults.add(...nameserverFaults(nameservers));
  faults.throwIfAny();
}

/** What resolvers pass on: any other text would be a name that does not exist, which is an empty answer. */
function isDnsName(name: unknown): boolean {
  if (typeof name !== 'string') return false;
  const labels = name.replace(/\.$/, '').split('.');
  const isName = name.length <= MAX_NAME + 1 && labels.every((label) => LABEL.test(label));
  return isName || isIP(name) !== 0;
}

/** What was meant, when that can be seen. */
function hint(text: unknown): string {
  if (typeof text !== 'string') return '';
  const [, name = '', port] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  if (port !== undefined && isDnsName(name))
    return `; give the port as an option, port: ${port} or ?port=${port}`;
  const ascii = domainToASCII(text);
  return ascii !== text && isDnsName(ascii) ? `; write it as ${ascii}` : '';
}

function nameserverFaults(nameservers: readonly string[]): string[] {
  if (!Array.isArray(nameservers) || nameservers.length === 0)
    return ['nameservers is not a list of addresses'];
  return nameservers
    .filter((each) => !isNameserver(each))
    .map((each: unknown) => {
      const what = typeof each === 'string' ? JSON.stringify(each) : `what is a ${typeof each}`;
      return `nameservers: ${what} is no IP address, with :port (1 to 65535) when that is not 53`;
    });
}

/** Read here, since the resolver takes ports that there are not, and ends the process for port 0. */
function isNameserver(text: unknown): boolean {
  if (typeof text !== 'string') return false;
  const [, inBrackets, host = inBrackets, port = '53'] =
    /^(?:\[([^\]]+)\]|([^[\]:]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  if (host === undefined) return isIP(text) === 6;
  return isIP(host) === (inBrackets === undefined ? 4 : 6) && isPort(Number(port));
}
