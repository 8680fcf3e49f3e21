import type { PeerView } from '../cluster/view/node-view.js';
import { CELLS } from './snapshot.types.js';
import type { Cell } from './snapshot.types.js';
import { peerOf } from './told.js';
import type { Told } from './told.js';

/** Two nodes do not tell at the same moment: a link that is younger than this may not be told by both yet. */
const SETTLED_MS = 3_000;

/** The words of so many cells go to the page; the others have those of their kind. */
const MOST_WORDS = 300;

/** Who sees whom, as told by every node. */
export class Matrix {
  readonly rows: readonly (readonly Cell[])[];

  /** `isFresh`: whether what a node told is recent enough to go by. */
  constructor(
    readonly nodes: readonly Told[],
    private readonly isFresh: (node: Told) => boolean,
  ) {
    this.rows = nodes.map((row) => nodes.map((column) => this.cell(row, column)));
  }

  get text(): string[] {
    return this.rows.map((row) => row.join(''));
  }

  /** Why the cells that are not plain are as they are, by `row column`. */
  words(): Record<string, string> {
    const words: Record<string, string> = {};
    let count = 0;
    for (const [i, row] of this.rows.entries())
      for (const [j, cell] of row.entries()) {
        const why = count < MOST_WORDS ? this.why(this.nodes[i]!, this.nodes[j]!, cell) : undefined;
        if (why === undefined) continue;
        words[`${i} ${j}`] = why;
        count += 1;
      }
    return words;
  }

  private cell(row: Told, column: Told): Cell {
    if (row.bootId === column.bootId) return 's';
    if (row.goneAtMs !== undefined || column.goneAtMs !== undefined) return '-';
    if (!this.isFresh(row)) return '?';
    const peer = peerOf(row, column);
    if (!peer) return 'x';
    // Who is blocked is silent, and so in doubt as well; its probe thread answers, which says more.
    if (peer.status === 'degraded') return 'b';
    if (peer.doubt !== undefined) return 'd';
    if (peer.status === 'leaving') return 'l';
    return this.isOneSided(row, column, peer) ? 'o' : 'u';
  }

  private isOneSided(row: Told, column: Told, peer: PeerView): boolean {
    return peer.forMs >= SETTLED_MS && this.isFresh(column) && peerOf(column, row) === undefined;
  }

  private why(row: Told, column: Told, cell: Cell): string | undefined {
    switch (cell) {
      case 'd':
        return peerOf(row, column)?.doubt;
      case 'b':
        return peerOf(row, column)?.doubt ?? `It ${CELLS[cell]}.`;
      case 'x': {
        const known = row.view?.missing.find(({ name }) => name === column.name);
        return known?.why ?? 'It does not know the name.';
      }
      case 'l':
      case 'o':
        return `It ${CELLS[cell]}.`;
      default:
        return undefined;
    }
  }
}
