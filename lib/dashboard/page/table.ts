import { element, sync, write } from './dom.js';

export interface Column<Row> {
  readonly title: string;
  readonly text: (row: Row) => string;
  /** Where a text alone does not do. */
  readonly fill?: (cell: HTMLElement, row: Row, words: string) => void;
}

/**
 * Has a table show `rows`, one each; on a phone, one a card. The roles are said because what is laid out as cards is no
 * table for a screen reader otherwise. A column in which none of `all` has anything is left out.
 */
export function drawTable<Row>(
  table: HTMLTableElement,
  columns: readonly Column<Row>[],
  keyOf: (row: Row) => string,
  all: readonly Row[],
  rows: readonly Row[] = all,
): void {
  const used = columns.filter(({ text }) => all.some((row) => text(row) !== ''));
  head(table, used);
  const titles = used.map(({ title }) => title).join();
  sync(
    table.tBodies[0]!,
    rows,
    (row) => `${keyOf(row)} ${titles}`,
    () => makeRow(used),
    (made, row) => fill(made, row, used),
  );
}

function head<Row>(table: HTMLTableElement, columns: readonly Column<Row>[]): void {
  const titles = columns.map(({ title }) => title).join();
  if (table.tHead!.dataset['titles'] === titles) return;
  table.tHead!.dataset['titles'] = titles;
  table.setAttribute('role', 'table');
  for (const part of [table.tHead!, table.tBodies[0]!]) part.setAttribute('role', 'rowgroup');
  const row = withRole('row', element('tr'));
  for (const { title } of columns) {
    const cell = withRole('columnheader', element('th', '', title));
    cell.scope = 'col';
    row.append(cell);
  }
  table.tHead!.replaceChildren(row);
}

function makeRow<Row>(columns: readonly Column<Row>[]): HTMLTableRowElement {
  const row = withRole('row', element('tr'));
  for (const [i, { title }] of columns.entries()) {
    const cell = i === 0 ? withRole('rowheader', element('th')) : withRole('cell', element('td'));
    if (i === 0) cell.setAttribute('scope', 'row');
    cell.dataset['title'] = title;
    row.append(cell);
  }
  return row;
}

function fill<Row>(made: HTMLTableRowElement, row: Row, columns: readonly Column<Row>[]): void {
  for (const [i, column] of columns.entries()) {
    const cell = made.cells[i]!;
    const words = column.text(row);
    if (column.fill) column.fill(cell, row, words);
    else write(cell, words);
    cell.classList.toggle('empty', words === '');
  }
}

function withRole<E extends HTMLElement>(role: string, made: E): E {
  made.setAttribute('role', role);
  return made;
}
