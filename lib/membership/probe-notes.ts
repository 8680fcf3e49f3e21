import type { Core, PeerRecord } from './core.js';

const SHOWN_NAMES = 5;

const UNTIL_THEN = 'Until then only TCP and other nodes tell whether they live.';

/** Between whom and us no UDP probe gets through, and on whose side that is, as far as we can tell. */
export function probeNotes(core: Core): string[] {
  const tried = [...core.peers.values()].filter(
    ({ probes, suspicion }) => probes !== 'untried' && !suspicion,
  );
  const silent = tried.filter(({ probes, unsent }) => probes === 'unanswered' && unsent === undefined);
  if (silent.length === 0) return [];
  const oneWay = silent.filter(({ probedBy }) => probedBy);
  const noWay = silent.filter(({ probedBy }) => !probedBy);
  // One alone does not tell whose side it is.
  const isAll = tried.length > 1 && silent.length === tried.length;
  const { port } = core.self;
  if (isAll && noWay.length === silent.length)
    return [
      `UDP is blocked at this host: none of ${silent.length} peers answers a probe, and none of their own probes ` +
        `arrives. Open UDP port ${port} here, in and out. ${UNTIL_THEN}`,
    ];
  if (isAll && oneWay.length === silent.length)
    return [
      `UDP does not leave this host: probes of ${silent.length} peers arrive, and none of them answers ours. Allow ` +
        `UDP out of port ${port} here. ${UNTIL_THEN}`,
    ];
  return [
    ...(oneWay.length > 0
      ? [
          `UDP probes from here do not reach ${namesOf(oneWay)}, though probes from there arrive: open it there. ${UNTIL_THEN}`,
        ]
      : []),
    ...(noWay.length > 0
      ? [
          `No UDP probe gets through between here and ${namesOf(noWay)}, either way: one side is closed. Open that ` +
            `port there, and UDP port ${port} here. ${UNTIL_THEN}`,
        ]
      : []),
  ];
}

/**
 * Peers by what becomes of UDP probes to them.
 *
 * @publicApi
 */
export interface ProbeCounts {
  /** They are answered. */
  readonly answered: number;
  /** None gets through, either way. */
  readonly unanswered: number;
  /** Those from here are not answered, though those from there arrive. */
  readonly oneWay: number;
  /** They cannot be sent from here. */
  readonly unsent: number;
  /** Not known yet, or nobody answers them there. */
  readonly untried: number;
}

export function probeCounts(core: Core): ProbeCounts {
  const counts = { answered: 0, unanswered: 0, oneWay: 0, unsent: 0, untried: 0 };
  for (const peer of core.peers.values()) counts[probeState(peer)] += 1;
  return counts;
}

function probeState({ probes, unsent, probedBy }: PeerRecord): keyof ProbeCounts {
  if (unsent !== undefined && probes !== 'answered') return 'unsent';
  return probes === 'unanswered' && probedBy ? 'oneWay' : probes;
}

/** What is the matter with probes of one peer. */
export function probeSummary({ self }: Core, peer: PeerRecord): string | undefined {
  const { probes, unsent, probedBy, node } = peer;
  if (unsent !== undefined && probes !== 'answered')
    return `UDP probes to it cannot be sent from here (${unsent}): a firewall or a missing route of this host.`;
  if (probes !== 'unanswered') return undefined;
  return probedBy
    ? `UDP probes to it are not answered, though its own arrive here: open UDP port ${node.port} there.`
    : `No UDP probe gets through to it, and none of its own arrives: open UDP port ${node.port} there, and ${self.port} here.`;
}

function namesOf(peers: readonly PeerRecord[]): string {
  const names = peers.map(({ node }) => `${node.name} (UDP port ${node.port} there)`);
  const more = names.length > SHOWN_NAMES ? ` and ${names.length - SHOWN_NAMES} more` : '';
  return `${names.slice(0, SHOWN_NAMES).join(', ')}${more}`;
}
