import type { Cell, Snapshot } from '../snapshot.types.js';
import { byId, element, write } from './dom.js';

/** What a cell looks like and says; as in `CELLS` of snapshot.types.ts. */
const LOOKS: Readonly<Record<Cell, { readonly name: string; readonly sign: string; readonly says: string }>> =
  {
    s: { name: 'self', sign: '', says: 'itself' },
    u: { name: 'up', sign: '', says: 'sees it' },
    b: { name: 'blocked', sign: '!', says: 'sees it, its event loop is blocked' },
    l: { name: 'leaving', sign: '–', says: 'sees it, it shuts down' },
    d: { name: 'doubt', sign: '~', says: 'doubts that it lives' },
    o: { name: 'one-sided', sign: '→', says: 'sees it, but is not seen by it' },
    x: { name: 'unseen', sign: '×', says: 'does not see it' },
    '?': { name: 'untold', sign: '?', says: 'does not tell' },
    '-': { name: 'gone', sign: '', says: 'is gone' },
  };

const table = byId<HTMLTableElement>('matrix');
let shape = '';
let cells: HTMLTableCellElement[][] = [];
let shown: Snapshot | undefined;
/** The cell that the keyboard is on. */
let at: readonly [number, number] = [0, 0];

/** Who sees whom. */
export function drawMatrix(snapshot: Snapshot): void {
  const wanted = snapshot.nodes.map(({ name, label }) => `${name} ${label}`).join('\n');
  if (wanted !== shape) build(snapshot);
  shape = wanted;
  shown = snapshot;
  for (const [i, row] of snapshot.matrix.entries())
    for (const [j, character] of row.split('').entries()) paint(i, j, character as Cell);
  legend(new Set(snapshot.matrix.join('')));
  tell(...at);
}

function build({ nodes }: Snapshot): void {
  const hadFocus = table.contains(document.activeElement);
  table.dataset['size'] =
    nodes.length <= 12 ? 'l' : nodes.length <= 30 ? 'm' : nodes.length <= 60 ? 's' : 'xs';
  const head = element('tr');
  head.append(element('td', 'corner'), ...nodes.map(({ name, label }) => header('col', name, label)));
  cells = nodes.map(() => []);
  const rows = nodes.map(({ name, label }, i) => {
    const row = element('tr');
    cells[i] = nodes.map((_, j) => cell(i, j));
    row.append(header('row', name, label), ...cells[i]);
    return row;
  });
  table.replaceChildren(head, ...rows);
  at = [Math.min(at[0], nodes.length - 1), Math.min(at[1], nodes.length - 1)];
  move(at[0], at[1], hadFocus);
}

function header(scope: 'row' | 'col', name: string, label: string): HTMLElement {
  const made = element('th');
  made.scope = scope;
  made.title = name;
  made.append(element('span', '', label));
  return made;
}

function cell(i: number, j: number): HTMLTableCellElement {
  const made = element('td');
  made.setAttribute('role', 'gridcell');
  made.tabIndex = -1;
  made.addEventListener('focus', () => {
    move(i, j, false);
    tell(i, j);
  });
  made.addEventListener('mouseenter', () => tell(i, j));
  return made;
}

function paint(i: number, j: number, character: Cell): void {
  const made = cells[i]![j]!;
  if (made.dataset['cell'] === character) return;
  const { name, sign, says } = LOOKS[character] ?? LOOKS['?'];
  made.dataset['cell'] = character;
  made.className = name;
  made.textContent = sign;
  const [row, column] = [shown!.nodes[i]!, shown!.nodes[j]!];
  made.setAttribute('aria-label', i === j ? row.name : `${row.name} to ${column.name}: ${says}`);
}

/** The words of one cell, below the matrix. */
function tell(i: number, j: number): void {
  const character = shown?.matrix[i]?.[j] as Cell | undefined;
  if (!shown || character === undefined) return;
  const [row, column] = [shown.nodes[i]!.name, shown.nodes[j]!.name];
  const { says } = LOOKS[character] ?? LOOKS['?'];
  const why = shown.cellWords[`${i} ${j}`];
  const line = i === j ? row : `${row} → ${column}: ${says}.`;
  write(byId('cell-words'), why === undefined ? line : `${line} ${why}`);
}

function move(i: number, j: number, focuses: boolean): void {
  cells[at[0]]?.[at[1]]?.setAttribute('tabindex', '-1');
  cells[at[0]]?.[at[1]]?.removeAttribute('aria-describedby');
  at = [i, j];
  const made = cells[i]?.[j];
  made?.setAttribute('tabindex', '0');
  // Why a cell is as it is stands there.
  made?.setAttribute('aria-describedby', 'cell-words');
  if (focuses) made?.focus();
}

function legend(present: ReadonlySet<string>): void {
  const items = (Object.keys(LOOKS) as Cell[]).filter((one) => present.has(one) && one !== 's');
  const list = byId('legend');
  if (list.dataset['shown'] === items.join('')) return;
  list.dataset['shown'] = items.join('');
  list.replaceChildren(
    ...items.map((one) => {
      const item = element('li');
      const sample = element('span', `sample ${LOOKS[one].name}`, LOOKS[one].sign);
      sample.setAttribute('aria-hidden', 'true');
      item.append(sample, LOOKS[one].says);
      return item;
    }),
  );
}

const STEPS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

table.addEventListener('keydown', (event) => {
  const last = cells.length - 1;
  const step = STEPS[event.key];
  let target: [number, number] | undefined;
  if (step) target = [at[0] + step[0], at[1] + step[1]];
  else if (event.key === 'Home') target = [at[0], 0];
  else if (event.key === 'End') target = [at[0], last];
  if (!target) return;
  event.preventDefault();
  const inside = (n: number): number => Math.max(0, Math.min(last, n));
  move(inside(target[0]), inside(target[1]), true);
});
