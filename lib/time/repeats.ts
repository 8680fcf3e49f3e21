import { duration } from './seconds.js';

/** What is known of a kind of thing that happens again and again. */
interface Kind {
  readonly toldMs: number;
  lastMs: number;
  untold: number;
}

/** That it has happened before, and goes on. */
export interface Repeated {
  /** So often since it was told last. */
  readonly times: number;
  readonly forMs: number;
}

/** Says which of many alike are worth a line: the first, and while they go on one every `againMs`, with their number. */
export class Repeats {
  private readonly kinds = new Map<string, Kind>();

  /** @param overMs what has not happened for so long is over: it is news when it happens again */
  constructor(
    private readonly overMs: number,
    private readonly againMs: number,
  ) {}

  get size(): number {
    return this.kinds.size;
  }

  has(key: string): boolean {
    return this.kinds.has(key);
  }

  /** Counts one. Returns whether it should be told, and since when it has gone on untold. */
  count(key: string, nowMs: number): { readonly isNews: boolean; readonly goesOn?: Repeated } {
    const kind = this.kinds.get(key);
    if (!kind || nowMs - kind.lastMs >= this.overMs) return { isNews: true };
    kind.lastMs = nowMs;
    kind.untold += 1;
    const forMs = nowMs - kind.toldMs;
    return { isNews: forMs >= this.againMs, goesOn: { times: kind.untold, forMs } };
  }

  /** It was told. */
  told(key: string, nowMs: number): void {
    this.kinds.set(key, { toldMs: nowMs, lastMs: nowMs, untold: 0 });
  }

  /** Forgets what is over. */
  sweep(nowMs: number): void {
    for (const [key, { lastMs }] of this.kinds) if (nowMs - lastMs >= this.overMs) this.kinds.delete(key);
  }
}

/** The same in words, behind what is told. */
export function sinceThen(goesOn: Repeated | undefined): string {
  return goesOn ? `. It goes on: ${goesOn.times} times in ${duration(goesOn.forMs)}` : '';
}
