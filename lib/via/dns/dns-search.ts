/** What the resolver of a host does with short names. */
export interface SearchRules {
  readonly domains: readonly string[];
  /** A name with at least this many dots is tried as it stands first. */
  readonly ndots: number;
}

const MAX_NDOTS = 15;

/** Reads `search`, `domain` and `options ndots` of a resolv.conf; everything else is skipped. */
export function parseResolvConf(text: string): SearchRules {
  let domains: readonly string[] = [];
  let ndots = 1;
  for (const line of text.split(/\r?\n/)) {
    const [keyword, ...words] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/);
    // The last of `search` and `domain` wins.
    if (keyword === 'search') domains = words.map(withoutDot).filter((word) => word !== '');
    if (keyword === 'domain') domains = words.slice(0, 1).map(withoutDot);
    if (keyword === 'options') ndots = readNdots(words) ?? ndots;
  }
  return { domains, ndots };
}

/** The full names that a name may stand for, in the order in which they are to be tried. */
export function searchCandidates(name: string, rules: SearchRules): string[] {
  if (name.endsWith('.')) return [withoutDot(name)];
  const dots = name.split('.').length - 1;
  const searched = rules.domains.map((domain) => `${name}.${domain}`);
  return dots >= rules.ndots ? [name, ...searched] : [...searched, name];
}

function readNdots(options: readonly string[]): number | undefined {
  const digits = options.map((option) => /^ndots:(\d+)$/.exec(option)?.[1]).findLast((found) => found);
  return digits === undefined ? undefined : Math.min(Number(digits), MAX_NDOTS);
}

function withoutDot(domain: string): string {
  return domain.replace(/\.+$/, '');
}
