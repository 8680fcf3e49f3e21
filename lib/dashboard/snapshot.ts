import { seconds } from '../time/seconds.js';
import { findingsOf } from './findings.js';
import type { Happenings } from './happenings.js';
import { jobFindings, jobRows, jobsOfNode, jobVoices } from './jobs.js';
import { inOrder, labelsOf, listed } from './labels.js';
import { Matrix } from './matrix.js';
import type { NodeRow, NodeState, ProviderRow, Snapshot } from './snapshot.types.js';
import { peerOf } from './told.js';
import type { Told } from './told.js';

export interface SnapshotParts {
  /** The serving node first. */
  readonly tolds: readonly Told[];
  readonly happenings: Happenings;
  /** The wall clock of the serving node. */
  readonly nowMs: number;
  /** What was told longer ago than this is not gone by. */
  readonly freshMs: number;
}

/** What the page shows, of what every node told. */
export function makeSnapshot({ tolds, happenings, nowMs, freshMs }: SnapshotParts): Snapshot {
  const own = tolds[0]!;
  const nodes = tolds.toSorted((a, b) => inOrder(a.name, b.name));
  const isFresh = ({ view, toldAtMs, failure }: Told): boolean =>
    view !== undefined && failure !== 'untold' && nowMs - (toldAtMs ?? 0) < freshMs;
  const matrix = new Matrix(nodes, isFresh);
  const labels = labelsOf(nodes.map(({ name }) => name));
  const rows = nodes.map((node, i) =>
    rowOf(node, { own, matrix, index: i, label: labels[i]!, nowMs, happenings, isFresh }),
  );
  const providers = providersOf(nodes.filter(({ goneAtMs }) => goneAtMs === undefined));
  const jobs = jobVoices(nodes, nowMs);
  const starts = new Map(nodes.map((node) => [node.bootId, startOf(node)]));
  return {
    at: nowMs,
    cluster: own.view?.cluster ?? '',
    security: own.view?.security ?? 'none',
    servedBy: own.name,
    findings: findingsOf(rows, nodes, matrix, providers, jobFindings(jobs)),
    summary: summaryOf(matrix, nodes),
    nodes: rows,
    matrix: matrix.text,
    cellWords: matrix.words(),
    timeline: happenings.list((bootId) => starts.get(bootId)),
    providers,
    jobs: jobRows(jobs),
    notes: notesOf(nodes),
  };
}

function startOf({ view, toldAtMs }: Told): number | undefined {
  return view && toldAtMs !== undefined ? toldAtMs - view.uptimeMs : undefined;
}

interface RowParts {
  readonly own: Told;
  readonly matrix: Matrix;
  readonly index: number;
  readonly label: string;
  readonly nowMs: number;
  readonly happenings: Happenings;
  readonly isFresh: (node: Told) => boolean;
}

function rowOf(node: Told, parts: RowParts): NodeRow {
  const { own, matrix, index, label, nowMs, isFresh } = parts;
  const { view } = node;
  const [state, words] = stateOf(node, parts);
  const column = matrix.rows.map((row) => row[index]);
  const rttMs = peerOf(own, node)?.rttMs;
  return {
    bootId: node.bootId,
    name: node.name,
    label,
    state,
    words,
    isSelf: node.bootId === own.bootId,
    ...(isFresh(node) && node.goneAtMs === undefined && { sees: matrix.rows[index]!.filter(isSight).length }),
    seenBy: column.filter(isSight).length,
    ...(rttMs !== undefined && { rttMs }),
    ...(view && {
      lagMs: view.loop.lagMs,
      ...(view.loop.last && { lastBlock: view.loop.last }),
      ...metaOf(view.self.meta),
      ...(view.holds.length > 0 && { holds: view.holds }),
      ...(view.jobs && { jobs: jobsOfNode(view, nowMs - (node.toldAtMs ?? nowMs)) }),
      uptimeMs: view.uptimeMs + nowMs - (node.toldAtMs ?? nowMs),
      pid: view.pid,
      nodeVersion: view.nodeVersion,
      toldAgoMs: nowMs - (node.toldAtMs ?? nowMs),
    }),
  };
}

/** Of what an app tells its peers only this: the rest is for them. */
function metaOf(meta: Readonly<Record<string, unknown>>): Pick<NodeRow, 'version' | 'zone'> {
  const text = (value: unknown): string | undefined =>
    typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
  const version = text(meta['version']);
  const zone = text(meta['zone']);
  return { ...(version !== undefined && { version }), ...(zone !== undefined && { zone }) };
}

function isSight(cell: string | undefined): boolean {
  return cell !== undefined && 'ublod'.includes(cell);
}

function stateOf(node: Told, { matrix, index, nowMs, happenings }: RowParts): [NodeState, string] {
  const says = (cell: string): string[] =>
    matrix.nodes.filter((_, i) => matrix.rows[i]![index] === cell).map(({ name }) => name);
  const silence =
    node.toldAtMs === undefined ? '' : `; it told nothing for ${seconds(nowMs - node.toldAtMs)}`;
  if (node.goneAtMs !== undefined) return ['gone', goneWords(node, happenings, nowMs)];
  const blocked = says('b');
  if (blocked.length > 0) return ['blocked', `as ${listed(blocked)} ${verb('say', blocked)}${silence}`];
  const doubting = says('d');
  if (doubting.length > 0) {
    const doubter = matrix.nodes.find(({ name }) => name === doubting[0])!;
    const words = `${listed(doubting)} ${verb('doubt', doubting)} it. ${peerOf(doubter, node)?.doubt ?? ''}`;
    return ['doubted', words];
  }
  if (node.view?.isLeaving === true || says('l').length > 0) return ['leaving', 'it shuts down'];
  if (node.failure === 'untold') return ['untold', 'an older release, which does not tell'];
  if (node.failure === 'silent') return ['silent', `no answer${silence}`];
  if (!node.view) return ['silent', 'not asked yet'];
  return ['up', 'up'];
}

function goneWords(node: Told, happenings: Happenings, nowMs: number): string {
  const last = happenings.lastDown(node.bootId);
  const ago = seconds(nowMs - (node.goneAtMs ?? nowMs));
  return last ? `${last.reason} ${ago} ago: ${last.why}` : `nobody has seen it for ${ago}`;
}

function summaryOf({ rows }: Matrix, nodes: readonly Told[]): string {
  const there = nodes.filter(({ goneAtMs }) => goneAtMs === undefined).length;
  if (there === 1) return 'One node, by itself';
  const cells = rows.flat();
  const missing = cells.filter((cell) => cell === 'x').length;
  const untold = cells.filter((cell) => cell === '?').length;
  if (missing + untold === 0) return `${there} nodes, each sees every other`;
  const of = `of ${there * (there - 1)} views`;
  if (missing === 0) return `${there} nodes; ${untold} ${of} ${isOrAre(untold)} not told`;
  const more = untold === 0 ? '' : `, ${untold} ${isOrAre(untold)} not told`;
  return `${there} nodes; ${missing} ${of} ${isOrAre(missing)} missing${more}`;
}

function isOrAre(count: number): string {
  return count === 1 ? 'is' : 'are';
}

function providersOf(nodes: readonly Told[]): ProviderRow[] {
  const views = nodes.flatMap(({ view, name }) =>
    (view?.providers ?? []).map((one) => ({ ...one, node: name })),
  );
  const names = [...new Set(views.map(({ name }) => name))];
  return names.map((name) => {
    const all = views.filter((one) => one.name === name);
    const failing = all.filter(({ state }) => state === 'failing');
    const counts = [...new Set(all.map((one) => one.names))].toSorted((a, b) => a - b);
    const range =
      counts.length > 1 ? `${counts[0]} to ${counts.at(-1)} names` : plural(counts[0] ?? 0, 'name');
    const on = plural(all.length, 'node');
    if (failing.length === 0) return { name, isWell: true, text: `works on ${on}, ${range}` };
    const [worst] = failing.toSorted((a, b) => (b.failingForMs ?? 0) - (a.failingForMs ?? 0));
    const since = worst?.failingForMs === undefined ? '' : ` for ${seconds(worst.failingForMs)}`;
    const text = `fails on ${failing.length} of ${on} (${listed(failing.map(({ node }) => node))})${since}: ${worst?.error ?? ''}. Its last good answer has ${range}.`;
    return { name, isWell: false, text };
  });
}

function verb(word: string, subjects: readonly string[]): string {
  return subjects.length === 1 ? `${word}s` : word;
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

/** What several nodes say in the same words is said once. */
function notesOf(nodes: readonly Told[]): { text: string; nodes: string[] }[] {
  const notes = new Map<string, string[]>();
  for (const { view, name, goneAtMs } of nodes)
    for (const text of goneAtMs === undefined ? (view?.notes ?? []) : [])
      notes.set(text, [...(notes.get(text) ?? []), name]);
  return [...notes].map(([text, by]) => ({ text, nodes: by }));
}
