import type { NodeView, PeerView } from '../cluster/view/node-view.js';

/** What is known of one node: what it told last, and when; and whether it is there. */
export interface Told {
  readonly bootId: string;
  readonly name: string;
  /** What it told last, and when that was on the clock of this node. */
  readonly view?: NodeView;
  readonly toldAtMs?: number;
  /** Why the last question has no answer. `untold`: its release does not know that question. */
  readonly failure?: 'silent' | 'untold';
  /** Since when nobody sees it. */
  readonly goneAtMs?: number;
}

/** What one node says of another, if that is a peer of it. */
export function peerOf(row: Told, column: Pick<Told, 'bootId'>): PeerView | undefined {
  return row.view?.peers.find(({ bootId }) => bootId === column.bootId);
}
