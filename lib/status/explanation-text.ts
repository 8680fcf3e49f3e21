import type { Explanation } from '../cluster/explanation.js';
import type { ProviderExplanation } from '../discovery/provider-status.js';
import type { NameExplanation } from '../membership/explanation.js';
import { formatHostPort } from '../naming/node-name.js';
import { printable } from '../naming/printable.js';
import { duration } from '../time/seconds.js';

/** So many of a kind are shown. */
const SHOWN = 20;

const SECURITY = {
  secret: 'encrypted by a secret',
  tls: 'encrypted by certificates',
  none: 'not encrypted',
} as const;

/**
 * An explanation as a short text for people: who this is, its peers, names that are no peers and why, what providers
 * say, who was refused, what does not work.
 *
 * @publicApi
 */
export function formatExplanation(explanation: Explanation): string {
  const { self, cluster, state, listening, security, alone, names, providers, refused, loop, notes } =
    explanation;
  const where = listening ? `, listens on ${formatHostPort(listening.host, listening.port)}` : '';
  const peers = names.filter((name) => name.state === 'peer');
  const others = names.filter((name) => name.state !== 'peer' && name.state !== 'self');
  const blocks = loop.last
    ? [
        `  event loop: blocked ${loop.blocks === 1 ? 'once' : `${loop.blocks} times`}, for ${duration(loop.longestMs)} at ` +
          `most; the last time for ${duration(loop.last.forMs)}, ${duration(loop.last.agoMs)} ago`,
      ]
    : [];
  return [
    printable(
      `${self.name} (${self.bootId.slice(0, 8)}), ${state}, cluster "${cluster}"${where}, ${SECURITY[security]}`,
    ),
    ...(alone ? [`  ALONE for ${duration(alone.forMs)}: ${printable(alone.cause)}`] : []),
    ...section('peers', uniquePeers(peers).map(peerLine)),
    ...section(
      'no peers',
      others.map(({ name, summary }) => `${name}: ${summary}`),
    ),
    ...section('providers', providers.map(providerLine)),
    ...section(
      'refused here',
      refused.map(
        ({ address, name, code, message, agoMs }) =>
          `${duration(agoMs)} ago ${name ?? address}: ${code} (${message})`,
      ),
    ),
    ...blocks,
    ...section('what does not work', notes),
  ].join('\n');
}

/** One peer may go by several names. */
function uniquePeers(names: readonly NameExplanation[]): NameExplanation[] {
  return [...new Map(names.map((name) => [name.peer?.bootId, name])).values()];
}

function peerLine({ name, peer, summary }: NameExplanation): string {
  if (!peer) return name;
  const rtt = peer.rttMs === undefined ? '' : `, round trip ${peer.rttMs.toFixed(1)} ms`;
  const head = `${peer.name} (${peer.bootId.slice(0, 8)}) ${peer.status}, since ${peer.connectedAt.toISOString()}${rtt}`;
  return summary === 'Connected and heard.' ? head : `${head}: ${summary}`;
}

function providerLine({
  name,
  state,
  names,
  lastAnswerAgoMs,
  failingForMs,
  error,
  hints,
}: ProviderExplanation): string {
  const found = names.length === 1 ? '1 name' : `${names.length} names`;
  const answer =
    lastAnswerAgoMs === undefined ? 'no answer yet' : `${found}, ${duration(lastAnswerAgoMs)} ago`;
  const handed = hints > 0 ? `, ${hints} handed over since` : '';
  const fails = state === 'failing' ? `; FAILS for ${duration(failingForMs ?? 0)}: ${error}` : '';
  return `${name}: ${answer}${handed}${fails}`;
}

function section(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return title === 'peers' ? ['  peers: none'] : [];
  const more = lines.length > SHOWN ? [`    … and ${lines.length - SHOWN} more`] : [];
  return [`  ${title}:`, ...lines.slice(0, SHOWN).map((line) => `    ${printable(line)}`), ...more];
}
