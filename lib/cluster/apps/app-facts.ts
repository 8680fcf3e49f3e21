/** What a node tells of its app, so that two apps that meet under one label by accident are noticed. */
export interface AppFacts {
  /** The name in its package.json, with its scope. */
  readonly package?: string;
  /** Its main script, from the folder of that package. */
  readonly script: string;
  /** The same from the root of the machine, and which machine that is. */
  readonly path: string;
  readonly machine: string;
  /** The topics and patterns that it has decorated methods for. */
  readonly handles: readonly string[];
}

/** Of longer texts the end is told, and of longer lists the beginning. */
const MAX_TEXT = 500;
const MAX_ITEMS = 1_000;
const SHOWN = 3;

/** As `AppFacts`, whatever a node of another release says. */
export function readFacts(value: unknown): AppFacts | undefined {
  const facts = (value ?? {}) as Readonly<Record<keyof AppFacts, unknown>>;
  const { package: name, script, path, machine, handles } = facts;
  if (typeof script !== 'string' || typeof path !== 'string' || typeof machine !== 'string') return undefined;
  return boundFacts({
    ...(typeof name === 'string' && { package: name }),
    script,
    path,
    machine,
    handles: Array.isArray(handles) ? handles.filter((item) => typeof item === 'string') : [],
  });
}

/** No longer than others take. */
export function boundFacts({ handles, ...texts }: AppFacts): AppFacts {
  const short = Object.entries(texts).map(([key, text]) => [key, text.slice(-MAX_TEXT)]);
  return { ...(Object.fromEntries(short) as typeof texts), handles: handles.slice(0, MAX_ITEMS) };
}

/**
 * Why another node may be another app, for people. An older or newer version of one app has handlers or keys that the
 * other has not; two apps each have some.
 */
export function differenceOf(own: AppFacts, other: AppFacts): string | undefined {
  if (own.package !== other.package && own.package !== undefined && other.package !== undefined)
    return `package ${quoted(other.package)}, ours is ${quoted(own.package)}`;
  // Two machines may have one app in different folders, one machine would not.
  if (own.machine === other.machine && own.path !== other.path)
    return `program ${quoted(other.path)}, ours is ${quoted(own.path)}`;
  if (own.script !== other.script) return `program ${quoted(other.script)}, ours is ${quoted(own.script)}`;
  return eachHas('handlers for', own.handles, other.handles);
}

/** What each of the two has and the other has not, when both have some. */
export function eachHas(what: string, own: readonly string[], other: readonly string[]): string | undefined {
  const [ours, theirs] = [new Set(own), new Set(other)];
  const onlyTheirs = other.filter((item) => !ours.has(item));
  const onlyOurs = own.filter((item) => !theirs.has(item));
  if (onlyTheirs.length === 0 || onlyOurs.length === 0) return undefined;
  return `${what} ${listed(onlyTheirs)}, which we have not, and we ${listed(onlyOurs)}`;
}

function listed(items: readonly string[]): string {
  const shown = items.slice(0, SHOWN).map(quoted).join(', ');
  return items.length > SHOWN ? `${shown}, …` : shown;
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
