import { withoutPassword } from '../via/url/without-password.js';
import type { PeerageErrorCode } from '../errors/peerage-error.js';
import { parseNodeName } from '../naming/node-name.js';

/** What one provider said. */
export interface ProviderFinding {
  readonly url: string;
  readonly provider: string;
  readonly ms: number;
  readonly names: readonly string[];
  readonly invalid: readonly string[];
  readonly error?: string;
  readonly hint?: string;
}

/** What dialling one name gave. */
export interface DialFinding {
  readonly name: string;
  readonly result: string;
  readonly ms: number;
  /** Whether it answers UDP probes: `ok`, `blocked`, or why none could be sent. */
  readonly udp?: string;
  /** What the node calls itself. */
  readonly node?: { readonly name: string; readonly bootId: string };
  readonly code?: PeerageErrorCode;
  readonly message?: string;
  readonly hint?: string;
}

/** One round. */
export interface DiscoverReport {
  readonly at: string;
  readonly providers: readonly ProviderFinding[];
  readonly dials: readonly DialFinding[];
}

/** For each code of a failed dial: a word for it, and what to do. */
const VERDICTS: Readonly<Partial<Record<PeerageErrorCode, readonly [result: string, hint: string]>>> = {
  CONNECTION_REFUSED: [
    'refused',
    'the host is there and nobody listens on that port: is the process up, and is the port right (default 4370)?',
  ],
  DIAL_TIMEOUT: [
    'timed out',
    'no answer: a firewall, a security group, a NetworkPolicy (TCP 4370), or the host is gone',
  ],
  HANDSHAKE_TIMEOUT: ['timed out', 'it took the connection and said nothing: is it a peerage node?'],
  UNREACHABLE: ['unreachable', 'there is no route to that address from here'],
  HOST_NOT_FOUND: ['no such host', 'the name has no address here: is DNS the same as where the nodes run?'],
  WRONG_SECRET: [
    'wrong secret',
    'secret or cluster label differ: compare PEERAGE_SECRET (or --secret-file) and --cluster with those of the node',
  ],
  WRONG_CLUSTER: [
    'another cluster',
    'a node, but not of this cluster: --cluster, PEERAGE_CLUSTER, or the wrong address',
  ],
  NOT_AUTHENTICATED: [
    'wrong secret',
    'it proved nothing: does it use certificates and this command a secret, or the other way round?',
  ],
  SECURITY_MISMATCH: [
    'not encrypted alike',
    'one side speaks plaintext and the other TLS: was the secret given to this command?',
  ],
  NOT_PEERAGE: ['not peerage', 'something else listens there: wrong port?'],
  VERSION_MISMATCH: ['other version', 'its release of nestjs-peerage is too far from this one'],
  CONNECTION_LOST: [
    'hung up',
    'it closed the connection: a proxy or a load balancer in between, or it needs a secret and got none',
  ],
};

export function verdictOn(code: PeerageErrorCode): { result: string; hint?: string } {
  const [result, hint] = VERDICTS[code] ?? [code.toLowerCase().replaceAll('_', ' ')];
  return hint === undefined ? { result } : { result, hint };
}

/** The report, for people. */
export function textOf({ providers, dials }: DiscoverReport, hasDialled: boolean): string {
  const lines = providers.flatMap(linesOfProvider);
  if (hasDialled && dials.length > 0) {
    const width = Math.max(...dials.map(({ name }) => name.length));
    lines.push('', ...dials.flatMap((dial) => linesOfDial(dial, width)));
  }
  return `${lines.join('\n')}\n`;
}

function linesOfProvider({ url, ms, names, invalid, error, hint }: ProviderFinding): string[] {
  const count = names.length === 1 ? '1 name' : `${names.length} names`;
  const head = `${headed(withoutPassword(url))} ${error === undefined ? count : 'failed'} in ${ms} ms`;
  return [
    head,
    ...names.map((name) => `  ${name}`),
    ...invalid.map((text) => `  not a name: ${JSON.stringify(text)}`),
    ...(error === undefined ? [] : [`  ${error}`]),
    ...(hint === undefined ? [] : [`  hint: ${hint}`]),
  ];
}

function linesOfDial({ name, result, ms, udp, node, message, hint }: DialFinding, width: number): string[] {
  const alias = node && node.name !== name ? `, calls itself ${node.name}` : '';
  return [
    `${name.padEnd(width)}  ${result} (${ms} ms${alias})`,
    ...(udp === undefined || udp === 'ok' ? [] : [`  ${udpAdvice(udp, name)}`]),
    ...(message === undefined ? [] : [`  ${message}`]),
    ...(hint === undefined ? [] : [`  hint: ${hint}`]),
  ];
}

/** A URL may end in a colon itself: `local:`. */
export function headed(text: string): string {
  return text.endsWith(':') ? text : `${text}:`;
}

/** What to do about UDP that does not get through. */
export function udpAdvice(udp: string, name: string): string {
  const { port } = parseNodeName(name);
  return udp === 'blocked'
    ? `UDP is blocked: its probes get no answer. Open UDP port ${port} there, and UDP out of here (a firewall, a NetworkPolicy)`
    : `UDP cannot be sent from here (${udp}): a firewall or a missing route of this host`;
}
