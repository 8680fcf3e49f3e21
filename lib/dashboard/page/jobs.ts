import type { JobRow, Snapshot } from '../snapshot.types.js';
import { byId } from './dom.js';
import { drawTable } from './table.js';
import type { Column } from './table.js';

const COLUMNS: readonly Column<JobRow>[] = [
  { title: 'Job', text: ({ name }) => name, fill: fillName },
  { title: 'Had by', text: ({ on }) => on },
  { title: 'At work', text: ({ now }) => now },
  { title: 'Last run', text: ({ last }) => last },
  { title: 'Counts', text: ({ counts }) => counts },
];

/** The jobs of the cluster, where there are any. */
export function drawJobs({ jobs }: Snapshot): void {
  byId('jobs-section').hidden = jobs.length === 0;
  drawTable(byId<HTMLTableElement>('jobs'), COLUMNS, ({ name }) => name, jobs);
}

function fillName(cell: HTMLElement, { name, isWell }: JobRow): void {
  cell.parentElement!.dataset['level'] = isWell ? 'well' : 'bad';
  if (cell.textContent !== name) cell.textContent = name;
}
