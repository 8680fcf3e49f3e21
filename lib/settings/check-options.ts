import { DEFAULT_HEARTBEAT, DEFAULT_LIMITS, DEFAULT_OWNERSHIP } from '../peerage.options.js';
import type { HeartbeatOptions, PeerageModuleOptions } from '../peerage.options.js';
import { defaultCapMs, timingFaults } from '../time/liveness-timing.js';
import { MIN_FRAME_BYTES } from '../wire/frames.js';
import { formatNodeName, parseNodeName } from '../naming/node-name.js';
import type { Check } from './checks.js';
import { appName, flag, host, integer, label, milliseconds, nodeName, objectOf, required } from './checks.js';
import { Faults, show } from './faults.js';
import { isWildcard, withoutBrackets } from '../naming/hosts.js';
import { checkMeta } from './meta.js';
import { checkProtection, checkSecret, checkTls } from './security.js';
import { checkVia } from './via.js';

/** Everything that is wrong with the options, each by itself and together. */
export function checkOptions(options: unknown): Faults {
  const faults = new Faults();
  if (isOptions(options)) {
    checkEach(options, '', faults);
    checkTogether(options, faults);
  } else {
    faults.add('options', `${show(options)} does not work; give an object, such as { via: viaLocal() }.`);
  }
  return faults;
}

/** Whether it may be looked into for options. */
export function isOptions(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const toldHost: Check = (value, path, faults) => {
  host(value, path, faults);
  if (typeof value === 'string' && isWildcard(withoutBrackets(value)))
    faults.add(path, `${show(value)} is no address that peers can dial; give the address of this machine.`);
};

const positive = integer(1, Number.MAX_SAFE_INTEGER);

/** Less, and nodes could not tell each other what they have to. */
const frame = integer(MIN_FRAME_BYTES, Number.MAX_SAFE_INTEGER, ' (bytes)');

const CHECKS: Record<keyof PeerageModuleOptions, Check> = {
  via: checkVia,
  appName,
  name: nodeName,
  cluster: label,
  host: toldHost,
  bind: host,
  port: integer(0, 65_535, ' (0: any free port)'),
  secret: checkSecret,
  tls: checkTls,
  insecure: flag,
  meta: checkMeta,
  intervalMs: milliseconds(1),
  syncOffsetMs: milliseconds(0),
  logResults: flag,
  statusSocket: flag,
  waitFor: required(
    objectOf({ peers: integer(0, Number.MAX_SAFE_INTEGER), timeoutMs: milliseconds(1), reject: flag }),
    ['peers', 'timeoutMs'],
  ),
  shutdown: objectOf({ drainMs: milliseconds(0) }),
  ownership: objectOf(fieldsOf(DEFAULT_OWNERSHIP, milliseconds(0))),
  quorum: required(objectOf({ of: integer(1, 10_000, ' (nodes)') }), ['of']),
  heartbeat: objectOf(fieldsOf(DEFAULT_HEARTBEAT, milliseconds(1))),
  limits: objectOf({
    ...fieldsOf(DEFAULT_LIMITS, positive),
    helloBytes: frame,
    frameBytes: frame,
    messageBytes: frame,
    handshakeMs: milliseconds(1),
    hintMs: milliseconds(1),
    pollMs: milliseconds(1),
  }),
};

const checkEach = objectOf(CHECKS);

function checkTogether(options: PeerageModuleOptions, faults: Faults): void {
  checkProtection(options, faults);
  checkHostOfName(options, faults);
  if (!faults.has('heartbeat'))
    for (const fault of timingFaults(heartbeatOf(options.heartbeat))) faults.add('heartbeat', fault);
  if (!faults.has('limits')) checkLimits(options, faults);
}

function checkHostOfName({ name, host: told }: PeerageModuleOptions, faults: Faults): void {
  if (name === undefined || told === undefined || faults.has('name') || faults.has('host')) return;
  const parsed = parseNodeName(name);
  const toldHostName = withoutBrackets(told).toLowerCase();
  if (parsed.host === toldHostName) return;
  const example = formatNodeName({ ...parsed, host: toldHostName });
  faults.add(
    'host',
    `is ${show(told)}, but name says ${show(parsed.host)}; leave host out, or name it ${example}.`,
  );
}

function checkLimits({ limits, waitFor }: PeerageModuleOptions, faults: Faults): void {
  const { helloBytes, frameBytes, messageBytes, sendQueueBytes, peers } = {
    ...DEFAULT_LIMITS,
    ...given(limits),
  };
  if (helloBytes > frameBytes)
    faults.add('limits.helloBytes', `${helloBytes} is more than frameBytes (${frameBytes}); lower it.`);
  if (frameBytes > sendQueueBytes)
    faults.add(
      'limits.frameBytes',
      `${frameBytes} is more than sendQueueBytes (${sendQueueBytes}); lower it.`,
    );
  if (messageBytes > sendQueueBytes)
    faults.add(
      'limits.messageBytes',
      `${messageBytes} is more than sendQueueBytes (${sendQueueBytes}); lower it, or raise that.`,
    );
  if (!faults.has('waitFor') && waitFor && waitFor.peers > peers)
    faults.add('waitFor.peers', `${waitFor.peers} is more than limits.peers (${peers}) allows; lower it.`);
}

/** The heartbeat with what is not given filled in: the cap grows with `downMs`. */
export function heartbeatOf(options: PeerageModuleOptions['heartbeat']): HeartbeatOptions {
  const heartbeat = { ...DEFAULT_HEARTBEAT, ...given(options) };
  return { ...heartbeat, capMs: options?.capMs ?? defaultCapMs(heartbeat.downMs) };
}

/** Without the fields that are `undefined`. */
export function given<T extends object>(fields: T | undefined): Given<T> {
  const entries = Object.entries(fields ?? {}).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Given<T>;
}

type Given<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };

function fieldsOf<T extends object>(defaults: T, check: Check): Record<keyof T, Check> {
  return Object.fromEntries(Object.keys(defaults).map((key) => [key, check])) as Record<keyof T, Check>;
}
