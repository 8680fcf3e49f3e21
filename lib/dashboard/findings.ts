import type { MissingView } from '../cluster/view/node-view.js';
import { seconds } from '../time/seconds.js';
import { listed } from './labels.js';
import type { Matrix } from './matrix.js';
import type { Finding, NodeRow, ProviderRow } from './snapshot.types.js';
import type { Told } from './told.js';

const LEVELS = ['bad', 'doubt', 'note'] as const;
/** More sentences nobody reads. */
const MOST = 12;

/** What is the matter with this cluster, in sentences, the worst first. */
export function findingsOf(
  nodes: readonly NodeRow[],
  tolds: readonly Told[],
  matrix: Matrix,
  providers: readonly ProviderRow[],
  ofJobs: readonly Finding[],
): Finding[] {
  const found = [
    ...cuts(nodes, matrix),
    ...ofState(nodes, 'blocked', 'bad', (who) => `${who} answers no longer, since its event loop is blocked`),
    ...alone(nodes, tolds),
    ...ofState(nodes, 'doubted', 'doubt', (who) => `The life of ${who} is in doubt`),
    ...ofState(nodes, 'silent', 'doubt', (who) => `${who} does not answer the question what it sees`),
    ...ofState(nodes, 'gone', 'doubt', (who) => `${who} is gone`),
    ...providers
      .filter(({ isWell }) => !isWell)
      .map(({ name, text }) => finding('doubt', `Provider ${name}: ${text}`)),
    ...missing(nodes, tolds),
    ...ofState(nodes, 'leaving', 'note', (who) => `${who} shuts down`),
    ...ofState(nodes, 'untold', 'note', (who) => `${who} does not tell what it sees, as older releases`),
    ...ofJobs,
  ];
  return found.toSorted((a, b) => LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level)).slice(0, MOST);
}

function finding(level: Finding['level'], text: string): Finding {
  return { level, text };
}

/** What is said of these is all there is to say. */
const PLAIN: readonly NodeRow['state'][] = ['leaving', 'untold'];

/** One sentence for all nodes of a state; that of a single one says more. */
function ofState(
  nodes: readonly NodeRow[],
  state: NodeRow['state'],
  level: Finding['level'],
  say: (who: string) => string,
): Finding[] {
  const those = nodes.filter((node) => node.state === state);
  if (those.length === 0) return [];
  const [only] = those;
  const text = say(listed(those.map(({ name }) => name)));
  return [finding(level, those.length > 1 || PLAIN.includes(state) ? `${text}.` : `${text}: ${only!.words}`)];
}

/** Pairs of which one does not see the other. */
function cuts(nodes: readonly NodeRow[], { rows }: Matrix): Finding[] {
  const both: Pair[] = [];
  const oneSided: Pair[] = [];
  const untold: Pair[] = [];
  for (const [i, row] of rows.entries())
    for (const [j, cell] of row.entries()) {
      const back = rows[j]![i]!;
      if (cell !== 'x') continue;
      if (back === 'o') oneSided.push([j, i]);
      else if (back === '?') untold.push([i, j]);
      else if (back === 'x' && i < j) both.push([i, j]);
    }
  const name = (i: number): string => nodes[i]!.name;
  return [
    ...few(oneSided, ([i, j]) => `${name(i)} sees ${name(j)} and is not seen by it: a one-sided link.`),
    ...few(
      both,
      ([i, j]) => `${name(i)} and ${name(j)} do not see each other${witnesses(nodes, rows, i, j)}.`,
    ),
    ...few(untold, ([i, j]) => `${name(i)} does not see ${name(j)}, which tells nothing.`),
  ];
}

type Pair = readonly [number, number];

/** Who sees both: then neither of the two is at fault. */
function witnesses(nodes: readonly NodeRow[], rows: Matrix['rows'], i: number, j: number): string {
  const others = nodes.filter((_, k) => rows[k]![i] === 'u' && rows[k]![j] === 'u');
  if (others.length === 0) return '';
  const names = others.map(({ name }) => name);
  return `, though ${listed(names)} ${names.length === 1 ? 'sees' : 'see'} both: the path between them is cut`;
}

function few(pairs: readonly Pair[], say: (pair: Pair) => string): Finding[] {
  const told = pairs.slice(0, 3).map((pair) => finding('bad', say(pair)));
  if (pairs.length > 3) told.push(finding('bad', `And ${pairs.length - 3} more such pairs: see the matrix.`));
  return told;
}

function alone(nodes: readonly NodeRow[], tolds: readonly Told[]): Finding[] {
  return tolds.flatMap(({ view, goneAtMs }, i) =>
    view?.alone === undefined || goneAtMs !== undefined
      ? []
      : [
          finding(
            'bad',
            `${nodes[i]!.name} has been alone for ${seconds(view.alone.forMs)}: ${view.alone.cause}`,
          ),
        ],
  );
}

/** Also while it is being dialled again: what is the matter does not go and come. */
function isTriedInVain({ state, failures }: MissingView): boolean {
  return failures === undefined ? state === 'waiting' : failures > 0 && /^(waiting|dialling)$/.test(state);
}

/** Names that are tried in vain and belong to nobody who is shown. */
function missing(nodes: readonly NodeRow[], tolds: readonly Told[]): Finding[] {
  const shown = new Set(nodes.map(({ name }) => name));
  const names = new Map<string, { readonly one: MissingView; by: number }>();
  for (const { view, goneAtMs } of tolds)
    for (const one of goneAtMs === undefined ? (view?.missing ?? []) : []) {
      if (shown.has(one.name) || !isTriedInVain(one)) continue;
      const known = names.get(one.name);
      if (known) known.by += 1;
      else names.set(one.name, { one, by: 1 });
    }
  const told = [...names]
    .slice(0, 3)
    .map(([name, { one }]) => finding('doubt', `${name} is not reached. ${one.why}`));
  if (names.size > 3) told.push(finding('doubt', `And ${names.size - 3} more names are not reached.`));
  return told;
}
