import { describeError } from '../errors/peerage-error.js';
import { checkOptions } from '../settings/check-options.js';
import { didYouMean } from '../naming/did-you-mean.js';
import type { Fault } from '../settings/faults.js';
import { invalidOptions } from '../settings/faults.js';
import type { PeerageModuleOptions } from '../peerage.options.js';
import { DEFAULT_HEARTBEAT, DEFAULT_LIMITS, DEFAULT_OWNERSHIP } from '../peerage.options.js';
import { parseViaUrls } from '../via/url/via-url.js';
import { readPem } from './pem-variable.js';

/** Variables and their values: `process.env`, or anything of its shape. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the text of a variable; throws an error that says what is wrong with it. */
type Parse = (text: string) => unknown;

const asText: Parse = (text) => text;

const asNumber: Parse = (text) => {
  if (!/^-?\d{1,15}$/.test(text)) throw new Error(`${JSON.stringify(text)} is not a whole number.`);
  return Number(text);
};

const asFlag: Parse = (text) => {
  if (/^(true|1|yes|on)$/i.test(text)) return true;
  if (/^(false|0|no|off)$/i.test(text)) return false;
  throw new Error(`${JSON.stringify(text)} does not work; give true or false.`);
};

const asJson: Parse = (text) => {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new Error(`is not JSON: ${describeError(error)}.`, { cause: error });
  }
};

/** Every variable that is one option by itself. The name of the variable follows from the option's. */
const PARSERS: Readonly<Record<string, Parse>> = {
  via: parseViaUrls,
  appName: asText,
  name: asText,
  cluster: asText,
  host: asText,
  bind: asText,
  port: asNumber,
  'tls.ca': readPem,
  'tls.cert': readPem,
  'tls.key': readPem,
  'tls.crl': readPem,
  'tls.passphrase': asText,
  insecure: asFlag,
  meta: asJson,
  intervalMs: asNumber,
  syncOffsetMs: asNumber,
  logResults: asFlag,
  statusSocket: asFlag,
  'waitFor.peers': asNumber,
  'waitFor.timeoutMs': asNumber,
  'waitFor.reject': asFlag,
  'shutdown.drainMs': asNumber,
  ...Object.fromEntries(Object.keys(DEFAULT_OWNERSHIP).map((key) => [`ownership.${key}`, asNumber])),
  'quorum.of': asNumber,
  ...Object.fromEntries(Object.keys(DEFAULT_HEARTBEAT).map((key) => [`heartbeat.${key}`, asNumber])),
  ...Object.fromEntries(Object.keys(DEFAULT_LIMITS).map((key) => [`limits.${key}`, asNumber])),
};

const SECRET = 'PEERAGE_SECRET';
const SECRET_PREVIOUS = 'PEERAGE_SECRET_PREVIOUS';

/** Every variable that is read, in the order of the options. */
export const VARIABLES: readonly string[] = [
  ...Object.keys(PARSERS).map(variableOf),
  SECRET,
  SECRET_PREVIOUS,
];

/** What `kubernetes:` reads by itself is no option, but can be misspelt. */
const KNOWN: readonly string[] = [...VARIABLES, 'PEERAGE_KUBERNETES_SERVICE', 'PEERAGE_KUBERNETES_SELECTOR'];

/**
 * The options that the `PEERAGE_*` variables of an environment make.
 *
 * @throws PeerageError `INVALID_OPTIONS`, telling of all faults at once, by the names of the variables.
 */
export function optionsFromEnvironment(env: Environment = process.env): PeerageModuleOptions {
  const { options, faults } = readEnvironment(env);
  if (faults.length > 0) throw invalidOptions(faults);
  return options;
}

/** Reads and checks the variables. The faults are told by the names of the variables. */
export function readEnvironment(env: Environment): { options: PeerageModuleOptions; faults: Fault[] } {
  const options: Record<string, unknown> = {};
  const faults: Fault[] = [...slips(env)];
  for (const [path, parse] of Object.entries(PARSERS)) {
    const variable = variableOf(path);
    const text = valueOf(env, variable);
    if (text === undefined) continue;
    try {
      put(options, path, parse(text));
    } catch (error) {
      // Its group counts as given, so that what is missing there is told, too.
      put(options, path, undefined);
      faults.push({ path: variable, problem: describeError(error) });
    }
  }
  putSecrets(options, env, faults);
  faults.push(...faultsOf(options, faults));
  return { options, faults };
}

/** `limits.frameBytes` is `PEERAGE_LIMITS_FRAME_BYTES`; what lies inside one variable is called by its name. */
export function variableOf(path: string): string {
  if (path === 'secret[1]') return SECRET_PREVIOUS;
  const option = /^(via|meta|secret)\b/.exec(path)?.[0] ?? path;
  const variable = option
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll('.', '_')
    .toUpperCase();
  return /^(tls|waitFor|shutdown|ownership|quorum|heartbeat|limits)$/.test(path)
    ? `PEERAGE_${variable}_*`
    : `PEERAGE_${variable}`;
}

/** A set value, without the spaces around it. An empty one counts as not set. */
function valueOf(env: Environment, variable: string): string | undefined {
  const value: unknown = env[variable];
  const text = typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';
  if (text === '') return undefined;
  // Kubernetes sets PEERAGE_PORT=tcp://10.0.0.1:4370 in every pod beside a Service named "peerage".
  const isServiceLink = variable === 'PEERAGE_PORT' && /^(tcp|udp|sctp):\/\//.test(text);
  return isServiceLink ? undefined : text;
}

function putSecrets(options: Record<string, unknown>, env: Environment, faults: Fault[]): void {
  const secret = valueOf(env, SECRET);
  const previous = valueOf(env, SECRET_PREVIOUS);
  if (secret !== undefined) options['secret'] = previous === undefined ? [secret] : [secret, previous];
  else if (previous !== undefined)
    faults.push({
      path: SECRET_PREVIOUS,
      problem: `is given without ${SECRET}, which is the one that dials.`,
    });
}

/** The faults of the options that were read; those of a variable that could not be read are known already. */
function faultsOf(options: Record<string, unknown>, known: readonly Fault[]): Fault[] {
  return checkOptions(options)
    .list.map(({ path, problem }) => ({ path: variableOf(path), problem }))
    .filter(({ path }) => !known.some((fault) => fault.path === path));
}

/** Variables that look like one of ours, but are none. Others are left alone: Kubernetes makes many. */
function slips(env: Environment): Fault[] {
  const strangers = Object.keys(env).filter((key) => key.startsWith('PEERAGE_') && !KNOWN.includes(key));
  return strangers.flatMap((path) => {
    const near = didYouMean(path.slice('PEERAGE_'.length), SHORT_NAMES);
    return near ? [{ path, problem: `there is no such variable; did you mean PEERAGE_${near}?` }] : [];
  });
}

const SHORT_NAMES = KNOWN.map((variable) => variable.slice('PEERAGE_'.length));

function put(options: Record<string, unknown>, path: string, value: unknown): void {
  const [outer = path, inner] = path.split('.');
  if (inner === undefined) options[outer] = value;
  else options[outer] = { ...(options[outer] as object | undefined), [inner]: value };
}
