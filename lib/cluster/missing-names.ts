import type { NameExplanation } from '../membership/explanation.js';
import type { ProviderExplanation } from '../discovery/provider-status.js';
import { duration } from '../time/seconds.js';
import { reasonsOf } from './isolation.js';

/** A process that is gone may still be listed for a while: who cannot be reached for so long is told of. */
const MISSING_MS = 30_000;

/** It said so itself, and is not expected to be a peer. */
const ORDINARY: ReadonlySet<string> = new Set(['LEAVING', 'DISCONNECTED', 'SELF']);

interface Missing {
  readonly sinceMs: number;
  /** The codes that were told: one name may have two by turns. */
  readonly told: readonly string[];
}

/** Names that a provider lists and that cannot be reached, while other nodes can: each is told of once. */
export class MissingNames {
  private readonly missing = new Map<string, Missing>();

  /** It is a peer, if only until the next look. */
  found(name: string): void {
    this.missing.delete(name);
  }

  /** What to tell now. */
  look({ names, providers }: View, nowMs: number): string | undefined {
    const sources = new Set(providers.map(({ name }) => name));
    const gone = names.filter(
      (one) => codeOf(one) !== undefined && one.foundBy.some((by) => sources.has(by)),
    );
    const still = new Set(gone.map(({ name }) => name));
    for (const name of this.missing.keys()) if (!still.has(name)) this.missing.delete(name);
    const news = gone.filter((one) => this.note(one, nowMs));
    if (news.length === 0) return undefined;
    const by = [...new Set(news.flatMap(({ foundBy }) => foundBy))].filter((source) => sources.has(source));
    const are = news.length === 1 ? '1 name is listed' : `${news.length} names are listed`;
    const forMs = nowMs - Math.max(...news.map(({ name }) => this.missing.get(name)!.sinceMs));
    return `${are} by ${by.join(', ')} and cannot be reached, for ${duration(forMs)} now. ${reasonsOf(news)}`;
  }

  /** Remembers a name that cannot be reached. Returns whether that is to be told now. */
  private note(one: NameExplanation, nowMs: number): boolean {
    const code = codeOf(one)!;
    const known = this.missing.get(one.name) ?? { sinceMs: nowMs, told: [] };
    const isNews = nowMs - known.sinceMs >= MISSING_MS && !known.told.includes(code);
    this.missing.set(one.name, isNews ? { ...known, told: [...known.told, code] } : known);
    return isNews;
  }
}

interface View {
  readonly names: readonly NameExplanation[];
  readonly providers: readonly ProviderExplanation[];
}

/** Why a name that should be a peer is none. */
function codeOf({ state, failures, lastAttempt }: NameExplanation): string | undefined {
  if ((state !== 'waiting' && state !== 'dialling') || failures === 0) return undefined;
  if (lastAttempt?.result !== 'failed' || ORDINARY.has(lastAttempt.code)) return undefined;
  return lastAttempt.code;
}
