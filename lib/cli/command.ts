import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { optionsFromEnvironment } from '../config/environment.js';
import { canonicalName } from '../naming/node-name.js';
import type { NamedUrl } from '../via/url/via-url.js';
import { namedViaUrls, parseViaUrl } from '../via/url/via-url.js';
import { describeError, PeerageError } from '../errors/peerage-error.js';
import { securityOf } from '../settings/security.js';
import type { PeerageModuleOptions, Security } from '../peerage.options.js';
import { MIN_SECRET_BYTES } from '../peerage.options.js';

export const USAGE = `nestjs-peerage discover [options] [<via-url>...]   what providers find, and whether it can be reached
nestjs-peerage doctor [options] [<via-url>...]     what of this host or container would keep a node from its peers
nestjs-peerage status [options] [<pid-or-name>]    what the nodes say that run here, as this user

discover asks providers for names, dials every name by TCP and UDP, and says what is there and what is wrong. doctor
does the same, and looks at the address, the port, the secret, DNS, multicast, limits. Without a URL, PEERAGE_VIA is
read. status asks running nodes by a local socket of the same user: peers, names that are none, providers, counts.

  self:                        list:a@10.0.0.1;b@10.0.0.2      file:peers.txt
  dns:myapp                    dns+srv:_peerage._tcp.myapp     local:
  udp://230.1.1.1:45900        redis://host:6379?key=...       postgres://user@host/db
  kubernetes:myservice?namespace=prod        kubernetes:?selector=app%3Dmyapp

  --secret-file FILE   the secret of the cluster (default: PEERAGE_SECRET, or PEERAGE_TLS_*)
  --cluster LABEL      the label of the cluster (default: PEERAGE_CLUSTER, else the app in each name)
  --app NAME           the part before @ of names that a provider makes up (default: PEERAGE_APP_NAME, else app)
  --port PORT          the port of such names (default: PEERAGE_PORT, else 4370)
  --timeout MS         how long a provider, and a dial, may take (default: 5000)
  --no-dial            only asks the providers
  --strict             discover: fails unless every name is reached, by TCP and UDP
  --peer NAME          doctor: a node to reach, beside what providers find
  --watch              asks again every 5 s, until Ctrl-C
  --json               one JSON object per round
  --version
  --help

Exit code: 0 when all is well: every provider answered and a node was reached (with --no-dial: a name was found; with
--strict: every name, by TCP and UDP); no check of doctor failed; every node answered status. 1 when not; 2 when the
command is wrong.
`;

/** What is to be done. */
export type Command = DiscoverCommand | DoctorCommand | StatusCommand;

/** What `doctor` is to do. */
export interface DoctorCommand extends Omit<DiscoverCommand, 'verb' | 'strict'> {
  readonly verb: 'doctor';
  /** The options of the module, as the environment says them. */
  readonly options: PeerageModuleOptions;
  readonly peers: readonly string[];
}

/** What `status` is to do. */
export interface StatusCommand {
  readonly verb: 'status';
  /** Of a process, or a part of a node name. Undefined: all. */
  readonly which: string | undefined;
  readonly timeoutMs: number;
  readonly watch: boolean;
  readonly json: boolean;
}

/** What `discover` is to do. */
export interface DiscoverCommand {
  readonly verb: 'discover';
  readonly strict: boolean;
  readonly providers: readonly NamedUrl[];
  readonly security: Security;
  /** Undefined: each name's own app. */
  readonly cluster: string | undefined;
  readonly appName: string;
  readonly port: number | undefined;
  readonly timeoutMs: number;
  readonly dial: boolean;
  readonly watch: boolean;
  readonly json: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

const OPTIONS = {
  'secret-file': { type: 'string' },
  cluster: { type: 'string' },
  app: { type: 'string' },
  port: { type: 'string' },
  timeout: { type: 'string', default: '5000' },
  'no-dial': { type: 'boolean', default: false },
  strict: { type: 'boolean', default: false },
  peer: { type: 'string', multiple: true },
  version: { type: 'boolean', short: 'v', default: false },
  watch: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** @throws Error, or PeerageError `INVALID_OPTIONS`, that says what is wrong with the command. */
export async function readCommand(
  args: readonly string[],
  env: Environment,
): Promise<Command | 'help' | 'version'> {
  const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  const [verb, ...rest] = positionals;
  if (values.version) return 'version';
  if (values.help || verb === undefined || verb === 'help') return 'help';
  const { watch, json } = values;
  const timeoutMs = wholeNumber('timeout', values.timeout, 600_000);
  if (verb === 'status') return { verb, which: rest[0], timeoutMs, watch, json };
  if (verb !== 'discover' && verb !== 'doctor')
    throw new Error(`There is no command "${verb}". Try: nestjs-peerage --help`);
  const options = fromEnvironment(env);
  const common = {
    security: await readSecurity(values['secret-file'], options),
    cluster: values.cluster ?? options.cluster,
    appName: values.app ?? options.appName ?? 'app',
    port: values.port === undefined ? options.port : wholeNumber('port', values.port, 65_535),
    timeoutMs,
    dial: !values['no-dial'],
    watch,
    json,
  };
  const peers = (values.peer ?? []).map((name) => canonicalName(name));
  if (verb === 'doctor') return { verb, ...common, providers: providersOf(rest, env, true), options, peers };
  return { verb, ...common, providers: providersOf(rest, env, false), strict: values.strict };
}

/** The options of the module, apart from `via`: what is asked for here may be something else. */
function fromEnvironment(env: Environment): PeerageModuleOptions {
  return optionsFromEnvironment({ ...env, PEERAGE_VIA: undefined });
}

function providersOf(given: readonly string[], env: Environment, mayBeNone: boolean): NamedUrl[] {
  if (given.length > 0) return given.map((url) => ({ url, provider: parseViaUrl(url) }));
  const fallback = env['PEERAGE_VIA'] ?? '';
  if (/[^\s,]/.test(fallback)) return namedViaUrls(fallback);
  if (mayBeNone) return [];
  throw new Error('Say where to look: a provider URL, or PEERAGE_VIA. Try --help.');
}

async function readSecurity(file: string | undefined, options: PeerageModuleOptions): Promise<Security> {
  if (file === undefined) return securityOf(options);
  const secret = (await readFile(file, 'utf8').catch(unreadable)).trim();
  if (Buffer.byteLength(secret) < MIN_SECRET_BYTES)
    throw new PeerageError(
      'INVALID_OPTIONS',
      `The secret in ${file} is shorter than ${MIN_SECRET_BYTES} bytes.`,
    );
  return { kind: 'secret', secrets: [secret] };
}

function unreadable(cause: unknown): never {
  throw new PeerageError('INVALID_OPTIONS', `The secret cannot be read: ${describeError(cause)}.`, { cause });
}

function wholeNumber(option: string, text: string, max: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > max) throw new Error(`--${option} ${text} is not between 1 and ${max}.`);
  return value;
}
