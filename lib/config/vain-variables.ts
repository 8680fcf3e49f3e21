import type { PeerageModuleOptions } from '../peerage.options.js';
import type { Environment } from './environment.js';
import { VARIABLES } from './environment.js';

/** On options that were made of the variables. */
const FROM_ENVIRONMENT = Symbol('peerage.fromEnvironment');

/** Read whatever the options say. */
const ALWAYS_READ = 'PEERAGE_HOST';

/**
 * Marks options that were made of the variables; a copy by spreading has the mark, too. A secret that is set and empty
 * is like one that is given and undefined: somebody meant to give one.
 */
export function markFromEnvironment(
  options: PeerageModuleOptions,
  env: Environment = process.env,
): PeerageModuleOptions {
  const mark = { [FROM_ENVIRONMENT]: true };
  const isEmpty = env['PEERAGE_SECRET'] !== undefined && options.secret === undefined;
  return { ...options, ...(isEmpty && { secret: undefined }), ...mark };
}

/** A warning of variables that are set in vain. */
export function vainVariables(options: PeerageModuleOptions, env: Environment): string | undefined {
  if (typeof options !== 'object' || options === null) return undefined;
  return FROM_ENVIRONMENT in options ? emptyVia(options, env) : unreadVariables(options, env);
}

/** As Compose sets it for `${PEERS}` where that is unset: somebody meant to name a provider. */
function emptyVia({ via }: PeerageModuleOptions, env: Environment): string | undefined {
  if (via !== undefined || env['PEERAGE_VIA']?.trim() !== '') return undefined;
  return 'PEERAGE_VIA is set and empty, so this node looks for nobody. Name a provider, such as dns:myapp, or unset it';
}

/**
 * Variables that are set and that nobody read, since the options were given in code. One whose very value is among the
 * options was read by the app.
 */
function unreadVariables(options: PeerageModuleOptions, env: Environment): string | undefined {
  const used = new Set(valuesIn(options));
  const unread = VARIABLES.filter((variable) => {
    const text = env[variable]?.trim() ?? '';
    const isServiceLink = variable === 'PEERAGE_PORT' && text.includes('://');
    return text !== '' && !isServiceLink && variable !== ALWAYS_READ && !used.has(text);
  });
  if (unread.length === 0) return undefined;
  const are = unread.length === 1 ? 'is' : 'are';
  return (
    `${unread.join(', ')} ${are} set and not read, since the module was given options. Call PeerageModule.forRoot() ` +
    'without options (or take peerageConfig of nestjs-peerage/config) to read the variables, or unset them'
  );
}

/** Every text, number and flag in the options, as a variable would say it. */
function valuesIn(value: unknown, depth = 0): string[] {
  if (['string', 'number', 'boolean'].includes(typeof value)) return [String(value).trim()];
  if (typeof value !== 'object' || value === null || depth > 2) return [];
  return Object.values(value).flatMap((item) => valuesIn(item, depth + 1));
}
