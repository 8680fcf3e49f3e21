import { randomUUID } from 'node:crypto';
import { lookup, Resolver } from 'node:dns/promises';
import { codeOf, describeError } from '../../errors/thrown.js';
import { within } from '../../time/waiting.js';
import { isNoSuchRecord } from '../../via/dns/dns-errors.js';
import type { UdpInterface } from '../../via/udp/udp-interfaces.js';
import { udpInterfaces } from '../../via/udp/udp-interfaces.js';
import type { UdpSettings } from '../../via/udp/udp-options.js';
import { openReceiver, sendFrom } from '../../via/udp/udp-sockets.js';
import { udpSettingsOf } from '../../via/url/via-url.js';
import type { Finding } from './doctor.js';

const LOOP_MS = 1_000;

/** What each record type of the name behind a `dns:` URL gives. */
export async function checkDns(url: string): Promise<Finding[]> {
  const [, scheme, rest = ''] = /^(dns|dns\+srv):([^?]*)/.exec(url) ?? [];
  if (scheme === undefined || rest === '') return [];
  const name = decodeURIComponent(rest);
  const resolver = new Resolver({ timeout: 1_500, tries: 2 });
  const system = lookup(name, { all: true }).then((found) => found.map(({ address }) => address));
  return Promise.all([
    ...(scheme === 'dns' ? [recordFinding(`the system's lookup of ${name}`, system)] : []),
    ...(scheme === 'dns' ? [recordFinding(`A records of ${name}`, resolver.resolve4(name))] : []),
    ...(scheme === 'dns' ? [recordFinding(`AAAA records of ${name}`, resolver.resolve6(name))] : []),
    ...(scheme === 'dns+srv'
      ? [
          recordFinding(
            `SRV records of ${name}`,
            resolver
              .resolveSrv(name)
              .then((records) => records.map(({ name: host, port }) => `${host}:${port}`)),
          ),
        ]
      : []),
  ]);
}

async function recordFinding(check: string, answer: Promise<string[]>): Promise<Finding> {
  try {
    return { check, result: 'ok', says: (await answer).join(', ') || 'none' };
  } catch (error) {
    if (isNoSuchRecord(error)) return { check, result: 'ok', says: `none (${codeOf(error)})` };
    return {
      check,
      result: 'failed',
      says: describeError(error),
      advice:
        'the name servers do not answer: /etc/resolv.conf, a NetworkPolicy that forbids port 53, or they are down',
    };
  }
}

/** Whether this host hears its own announcements, on each interface: without that viaUdp() finds nobody there. */
export async function checkUdp(url: string): Promise<Finding[]> {
  const settings = udpSettingsOf(url);
  if (!settings) return [];
  const interfaces = udpInterfaces(settings).filter(({ isInternal }, _i, all) =>
    all.every((each) => each.isInternal) ? true : !isInternal,
  );
  const what = settings.broadcast ? 'broadcasts' : `multicast to ${settings.multicastAddr}`;
  const heard = await echoesOf(settings, interfaces).catch(describeError);
  return interfaces.map(({ address }): Finding => {
    const check = `${what}, port ${settings.port}, on ${address}`;
    const fault = typeof heard === 'string' ? heard : heard.get(address);
    if (fault === 'heard') return { check, result: 'ok', says: 'comes back to this host' };
    return {
      check,
      result: 'failed',
      says: fault ?? 'does not come back',
      advice:
        'clouds, Kubernetes and overlay networks drop it, as firewalls do: use dns: there, or udp: with ?broadcast',
    };
  });
}

/** By address: `heard`, or why nothing could be sent. What is missing did not come back. */
async function echoesOf(
  settings: UdpSettings,
  interfaces: readonly UdpInterface[],
): Promise<Map<string, string>> {
  const outcomes = new Map<string, string>();
  const receiver = await openReceiver(settings, interfaces);
  const text = Buffer.from(`peerage doctor ${randomUUID()}`);
  const all = new Promise<void>((resolve) => {
    receiver.on('message', (datagram, from) => {
      if (datagram.equals(text)) outcomes.set(from.address, 'heard');
      if (interfaces.every(({ address }) => outcomes.get(address) === 'heard')) resolve();
    });
  });
  try {
    for (const each of interfaces)
      await sendFrom(each, settings, text).catch((error: unknown) =>
        outcomes.set(each.address, `nothing can be sent: ${describeError(error)}`),
      );
    await within(LOOP_MS, all);
    return outcomes;
  } finally {
    receiver.close();
  }
}
