import type { NodeRow, Snapshot } from '../snapshot.types.js';
import { byId, element, write } from './dom.js';
import { drawTable } from './table.js';
import type { Column } from './table.js';
import { millis, span } from './words.js';

const RECENT_MS = 10 * 60_000;

const STATES: Readonly<Record<NodeRow['state'], string>> = {
  up: 'up',
  blocked: 'blocked',
  leaving: 'shuts down',
  doubted: 'in doubt',
  silent: 'silent',
  untold: 'older release',
  gone: 'gone',
};

const optional = (value: number | undefined, say: (value: number) => string): string =>
  value === undefined ? '' : say(value);

const table = byId<HTMLTableElement>('nodes');
const filter = byId<HTMLInputElement>('filter');
let last: Snapshot | undefined;
filter.addEventListener('input', () => last && drawNodes(last));

/** The nodes, one a row; on a phone, one a card. */
export function drawNodes(snapshot: Snapshot): void {
  last = snapshot;
  const { nodes } = snapshot;
  const columns = columnsFor(nodes.filter(({ state }) => state !== 'gone').length - 1);
  const wanted = filter.value.trim().toLowerCase();
  const fits = (node: NodeRow): boolean =>
    [...columns.map(({ text }) => text(node)), node.words].join(' ').toLowerCase().includes(wanted);
  const rows = wanted === '' ? nodes : nodes.filter(fits);
  drawTable(table, columns, ({ bootId }) => bootId, nodes, rows);
  write(byId('filtered'), wanted === '' ? '' : `${rows.length} of ${nodes.length} nodes`);
}

function columnsFor(others: number): readonly Column<NodeRow>[] {
  return [
    { title: 'Node', text: ({ name }) => name, fill: fillName },
    { title: 'Status', text: ({ state }) => STATES[state] ?? state, fill: fillStatus },
    { title: 'Sees', text: ({ sees }) => optional(sees, (count) => `${count} of ${others}`) },
    { title: 'Round trip', text: ({ rttMs }) => optional(rttMs, millis) },
    { title: 'Lag', text: lagOf },
    { title: 'Version', text: ({ version }) => version ?? '' },
    { title: 'Zone', text: ({ zone }) => zone ?? '' },
    { title: 'Holds', text: ({ holds }) => (holds ?? []).join(', ') },
    { title: 'Jobs', text: ({ jobs }) => (jobs ?? []).join(', ') },
    { title: 'Up for', text: ({ uptimeMs }) => optional(uptimeMs, span) },
    { title: 'Process', text: ({ pid }) => optional(pid, String) },
  ];
}

/** How late its event loop is; and that it was blocked, as long as that may explain something. */
function lagOf({ lagMs, lastBlock }: NodeRow): string {
  const now = optional(lagMs, millis);
  if (!lastBlock || lastBlock.agoMs > RECENT_MS) return now;
  return `${now}, blocked ${span(lastBlock.forMs)} until ${span(lastBlock.agoMs)} ago`;
}

function fillName(cell: HTMLElement, node: NodeRow): void {
  cell.parentElement!.dataset['state'] = node.state;
  const text = node.isSelf ? `${node.name} (serves this page)` : node.name;
  if (cell.textContent === text) return;
  cell.replaceChildren(node.name);
  if (node.isSelf) cell.append(element('small', '', ' (serves this page)'));
}

function fillStatus(cell: HTMLElement, node: NodeRow, words: string): void {
  if (cell.childElementCount === 0) cell.append(element('span', 'badge'), element('small'));
  const [badge, small] = cell.children as unknown as readonly [HTMLElement, HTMLElement];
  write(badge, words);
  badge.dataset['state'] = node.state;
  write(small, node.words === words || node.state === 'up' ? '' : ` ${node.words}`);
}
