import type { NodeRow, Snapshot } from '../snapshot.types.js';
import { byId, element, sync, write } from './dom.js';
import { millis, span } from './words.js';

interface Column {
  readonly title: string;
  readonly text: (node: NodeRow, snapshot: Snapshot) => string;
}

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

const COLUMNS: readonly Column[] = [
  { title: 'Node', text: ({ name }) => name },
  { title: 'Status', text: ({ state }) => STATES[state] ?? state },
  {
    title: 'Sees',
    text: ({ sees }, { nodes }) => optional(sees, (count) => `${count} of ${there(nodes) - 1}`),
  },
  { title: 'Round trip', text: ({ rttMs }) => optional(rttMs, millis) },
  { title: 'Lag', text: lagOf },
  { title: 'Version', text: ({ version }) => version ?? '' },
  { title: 'Zone', text: ({ zone }) => zone ?? '' },
  { title: 'Holds', text: ({ holds }) => (holds ?? []).join(', ') },
  { title: 'Up for', text: ({ uptimeMs }) => optional(uptimeMs, span) },
  { title: 'Process', text: ({ pid }) => optional(pid, String) },
];

const table = byId<HTMLTableElement>('nodes');
const filter = byId<HTMLInputElement>('filter');
let last: Snapshot | undefined;
filter.addEventListener('input', () => last && drawNodes(last));

/** The nodes, one a row; on a phone, one a card. */
export function drawNodes(snapshot: Snapshot): void {
  last = snapshot;
  const wanted = filter.value.trim().toLowerCase();
  const texts = (node: NodeRow): string[] => COLUMNS.map(({ text }) => text(node, snapshot));
  const fits = (node: NodeRow): boolean =>
    [...texts(node), node.words].join(' ').toLowerCase().includes(wanted);
  const rows = wanted === '' ? snapshot.nodes : snapshot.nodes.filter(fits);
  // A column that nobody has anything in is left out.
  const used = COLUMNS.filter(({ text }) => snapshot.nodes.some((node) => text(node, snapshot) !== ''));
  head(used);
  const columns = used.map(({ title }) => title).join();
  sync(
    table.tBodies[0]!,
    rows,
    ({ bootId }) => `${bootId} ${columns}`,
    () => makeRow(used),
    (row, node) => fill(row, node, used, snapshot),
  );
}

/** How late its event loop is; and that it was blocked, as long as that may explain something. */
function lagOf({ lagMs, lastBlock }: NodeRow): string {
  const now = optional(lagMs, millis);
  if (!lastBlock || lastBlock.agoMs > RECENT_MS) return now;
  return `${now}, blocked ${span(lastBlock.forMs)} until ${span(lastBlock.agoMs)} ago`;
}

function there(nodes: readonly NodeRow[]): number {
  return nodes.filter(({ state }) => state !== 'gone').length;
}

function head(columns: readonly Column[]): void {
  const titles = columns.map(({ title }) => title).join();
  if (table.tHead!.dataset['titles'] === titles) return;
  table.tHead!.dataset['titles'] = titles;
  const row = element('tr');
  for (const { title } of columns) {
    const cell = element('th', '', title);
    cell.scope = 'col';
    row.append(cell);
  }
  table.tHead!.replaceChildren(row);
}

function makeRow(columns: readonly Column[]): HTMLTableRowElement {
  const row = element('tr');
  for (const [i, { title }] of columns.entries()) {
    const cell = element(i === 0 ? 'th' : 'td');
    if (i === 0) cell.setAttribute('scope', 'row');
    cell.dataset['title'] = title;
    row.append(cell);
  }
  return row;
}

function fill(row: HTMLTableRowElement, node: NodeRow, columns: readonly Column[], snapshot: Snapshot): void {
  row.dataset['state'] = node.state;
  for (const [i, { title, text }] of columns.entries()) {
    const cell = row.cells[i]!;
    const words = text(node, snapshot);
    if (title === 'Node') fillName(cell, node);
    else if (title === 'Status') fillStatus(cell, node, words);
    else write(cell, words);
    cell.classList.toggle('empty', words === '');
  }
}

function fillName(cell: HTMLElement, node: NodeRow): void {
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
