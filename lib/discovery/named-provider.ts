import type { PeerageProvider } from '../via/provider.js';

/** A provider under the name that logs, events and `explain` show, which no other one has. */
export interface NamedProvider {
  readonly name: string;
  readonly provider: PeerageProvider;
}

/** Gives every provider a name of its own: `list`, `list#2`. */
export function nameProviders(providers: readonly PeerageProvider[]): NamedProvider[] {
  const taken = new Set<string>();
  return providers.map((provider) => {
    const name = freeName(ownName(provider), taken);
    taken.add(name);
    return { name, provider };
  });
}

function ownName(provider: PeerageProvider): string {
  const { name } = provider;
  if (typeof name === 'string' && name !== '') return name;
  const className: unknown = Object.getPrototypeOf(provider)?.constructor?.name;
  return typeof className === 'string' && className !== '' && className !== 'Object' ? className : 'provider';
}

function freeName(name: string, taken: ReadonlySet<string>): string {
  let free = name;
  for (let n = 2; taken.has(free); n++) free = `${name}#${n}`;
  return free;
}
