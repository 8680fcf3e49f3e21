import { randomBytes } from 'node:crypto';
import { readNames } from '../discovery/read-names.js';
import { within } from '../time/waiting.js';
import { whyNothing } from '../via/nothing-found.js';
import { withoutPassword } from '../via/url/without-password.js';
import { describeError, PeerageError } from '../errors/peerage-error.js';
import type { NodeInfo } from '../naming/node-info.js';
import { compareNames, DEFAULT_PORT, formatNodeName, parseNodeName } from '../naming/node-name.js';
import { DEFAULT_LIMITS } from '../peerage.options.js';
import { underDeadline } from '../time/abortable.js';
import type { TakesAnnouncementKeys } from '../via/udp/announcement.js';
import { ANNOUNCEMENT_KEYS, announcementKeys } from '../via/udp/announcement.js';
import type { PeerageProvider } from '../via/provider.js';
import type { WarnedPoll } from '../via/registry/own-address.js';
import type { NamedUrl } from '../via/url/via-url.js';
import type { DiscoverCommand } from './command.js';
import { checkNode } from './dial-check.js';
import { probeNode } from './udp-check.js';
import type { DialFinding, DiscoverReport, ProviderFinding } from './report.js';
import { textOf, verdictOn } from './report.js';

const DIALS_AT_ONCE = 32;
/** Nodes announce themselves every 3 to 7 s. */
const HEAR_MS = 7_500;

/** One round. Whether every provider answered and somebody was reached. */
export async function discover(
  command: DiscoverCommand,
  write: (text: string) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const providers = await Promise.all(command.providers.map((one) => ask(one, command, signal)));
  const names = [...new Set(providers.flatMap((finding) => finding.names))].sort(compareNames);
  const dials = command.dial ? await dialAll(names, command, signal) : [];
  const report: DiscoverReport = { at: new Date().toISOString(), providers, dials };
  write(command.json ? `${JSON.stringify(report)}\n` : textOf(report, command.dial));
  if (command.strict) {
    const isAll = dials.every(({ result, udp }) => result === 'ok' && udp === 'ok');
    return isAll && names.length > 0 && providers.every(({ error }) => error === undefined);
  }
  const isReached = command.dial ? dials.some(({ result }) => result === 'ok') : names.length > 0;
  return isReached && providers.every(({ error }) => error === undefined);
}

export async function ask(
  { url, provider }: NamedUrl,
  command: DiscoverCommand,
  stopped: AbortSignal,
): Promise<ProviderFinding> {
  const startedAtMs = performance.now();
  const found = { url: withoutPassword(url), provider: provider.name ?? url };
  const since = () => Math.round(performance.now() - startedAtMs);
  try {
    let odd: string | undefined;
    const answer = await answerOf(provider, command, stopped, (message) => (odd = message));
    const { names, invalid } = readNames(answer, DEFAULT_LIMITS.polledNames);
    const hint = names.length === 0 ? whyNothing(url) : odd;
    return { ...found, ms: since(), names, invalid, ...(hint !== undefined && { hint }) };
  } catch (error) {
    return { ...found, ms: since(), names: [], invalid: [], error: describeError(error) };
  }
}

async function answerOf(
  provider: PeerageProvider,
  command: DiscoverCommand,
  stopped: AbortSignal,
  warn: (message: string) => void,
): Promise<unknown> {
  const self = selfOf(command);
  if (ANNOUNCEMENT_KEYS in provider) await hear(provider, self, command, stopped);
  const context = (signal: AbortSignal): WarnedPoll => ({ self, signal, warn });
  const asked = underDeadline(command.timeoutMs, stopped, async (signal) => ({
    names: await provider.poll(context(signal)),
  }));
  const answer = await within(command.timeoutMs + 500, asked, stopped);
  if (!answer) throw new PeerageError('PROVIDER_TIMEOUT', `No answer within ${command.timeoutMs} ms.`);
  return answer.names;
}

/** What is announced is only heard by who listens for a while. */
async function hear(
  provider: PeerageProvider,
  self: NodeInfo,
  { security, cluster, appName }: DiscoverCommand,
  stopped: AbortSignal,
): Promise<void> {
  const keys = announcementKeys(security, cluster ?? appName);
  (provider as unknown as TakesAnnouncementKeys)[ANNOUNCEMENT_KEYS](keys);
  await underDeadline(HEAR_MS, stopped, async (signal) =>
    provider.serve?.({ self, signal, found: () => {} }),
  );
}

/** Nobody listens there, so no node has the name that providers leave out as their own. */
const NOBODYS_PORT = 1;

/** A node of this host that nobody else hears of. */
function selfOf({ appName, port = DEFAULT_PORT }: DiscoverCommand): NodeInfo {
  const host = '127.0.0.1';
  const name = formatNodeName({ app: appName, host, port: NOBODYS_PORT });
  return { name, bootId: randomBytes(16).toString('hex'), host, port, meta: {} };
}

export async function dialAll(
  names: readonly string[],
  command: DiscoverCommand,
  signal: AbortSignal,
): Promise<DialFinding[]> {
  const findings: DialFinding[] = [];
  for (let start = 0; start < names.length && !signal.aborted; start += DIALS_AT_ONCE) {
    const batch = names.slice(start, start + DIALS_AT_ONCE);
    findings.push(...(await Promise.all(batch.map((name) => dial(name, command, signal)))));
  }
  return findings;
}

async function dial(name: string, command: DiscoverCommand, signal: AbortSignal): Promise<DialFinding> {
  const { security, timeoutMs } = command;
  const cluster = command.cluster ?? parseNodeName(name).app;
  const startedAtMs = performance.now();
  const since = () => Math.round(performance.now() - startedAtMs);
  try {
    const { welcome, address } = await checkNode(name, { security, cluster, timeoutMs, signal });
    const ms = since();
    const { name: itself, bootId } = welcome.node;
    const udp = await probeNode(welcome, address, signal).catch((error: unknown) => describeError(error));
    return { name, result: 'ok', ms, udp, node: { name: itself, bootId } };
  } catch (error) {
    const code = error instanceof PeerageError ? error.code : 'UNREACHABLE';
    return { name, ...verdictOn(code), ms: since(), code, message: describeError(error) };
  }
}
