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

/** The peers of a view by their boot id: each is looked up by every other node, again and again. */
const indexes = new WeakMap<NodeView, ReadonlyMap<string, PeerView>>();

/** What one node says of another, if that is a peer of it. */
export function peerOf({ view }: Told, column: Pick<Told, 'bootId'>): PeerView | undefined {
  if (!view) return undefined;
  const known = indexes.get(view);
  if (known) return known.get(column.bootId);
  const index = new Map(view.peers.map((peer) => [peer.bootId, peer]));
  indexes.set(view, index);
  return index.get(column.bootId);
}
