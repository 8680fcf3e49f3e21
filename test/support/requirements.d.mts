/** Something outside of this repository that some tests need. */
export type Requirement =
  | 'netns'
  | 'dnsmasq'
  | 'redis-server'
  | 'postgres'
  | 'pgbouncer'
  | 'nats-server'
  | 'openssl'
  | 'erl'
  | 'faketime'
  | 'chromium-headless-shell';

/** What each requirement is, and how to come by it. */
export const REQUIREMENTS: Readonly<Record<Requirement, { readonly hint: string }>>;

/** The tests run as root. */
export const isRoot: boolean;

/** The machine has what `requirement` names. `netns`: network namespaces can be made, and `nft` works there. */
export function has(requirement: Requirement): boolean;

/** Where the program `name` is installed. */
export function pathOf(name: string): string | undefined;
