import type { NodeRow, Snapshot } from '../snapshot.types.js';
import { byId } from './dom.js';

const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 520;
const HEIGHT = 330;
const RADIUS = 130;
/** What fits beside the circle; of longer labels the end is shown, which differs. */
const LABEL_LENGTH = 17;
/** Beyond this the lines say nothing any more. */
const MOST_NODES = 60;
/** Names fit beside so many. */
const MOST_LABELS = 24;

let drawn = '';

/** The nodes in a circle, and a line for each pair that sees each other, or should. */
export function drawRing({ nodes, matrix, summary }: Snapshot): void {
  byId('ring-section').hidden = nodes.length > MOST_NODES || nodes.length < 2;
  const shape = JSON.stringify([nodes.map(({ label, state }) => [label, state]), matrix]);
  if (shape === drawn || nodes.length > MOST_NODES) return;
  drawn = shape;
  const svg = make('svg', {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    role: 'img',
    'aria-label': `Ring: ${summary}`,
  });
  const places = nodes.map((_, i) => place(i, nodes.length, RADIUS));
  const links = nodes.flatMap((_, i) => nodes.slice(i + 1).map((__, k) => [i, i + 1 + k] as const));
  const lines = links.map(([i, j]) => ({ kind: kindOf(matrix[i]![j]!, matrix[j]![i]!), i, j }));
  // What is well lies below.
  for (const { kind, i, j } of lines.toSorted(
    (a, b) => Number(a.kind !== 'well') - Number(b.kind !== 'well'),
  ))
    if (kind !== 'none') svg.append(line(kind, places[i]!, places[j]!));
  for (const [i, node] of nodes.entries()) svg.append(dot(node, i, nodes.length));
  byId('ring').replaceChildren(svg);
}

function kindOf(there: string, back: string): 'well' | 'doubt' | 'cut' | 'none' {
  const both = there + back;
  if (both.includes('-')) return 'none';
  if (both.includes('x') || both.includes('o')) return 'cut';
  if (/[db]/.test(both)) return 'doubt';
  return both === '??' ? 'none' : 'well';
}

function place(i: number, count: number, radius: number): { x: number; y: number } {
  const angle = (2 * Math.PI * i) / count - Math.PI / 2;
  return { x: WIDTH / 2 + radius * Math.cos(angle), y: HEIGHT / 2 + radius * Math.sin(angle) };
}

function line(kind: string, from: { x: number; y: number }, to: { x: number; y: number }): Element {
  return make('line', {
    class: `link ${kind}`,
    x1: from.x.toFixed(1),
    y1: from.y.toFixed(1),
    x2: to.x.toFixed(1),
    y2: to.y.toFixed(1),
  });
}

function dot(node: NodeRow, i: number, count: number): Element {
  const group = make('g', { class: `node ${node.state}${node.isSelf ? ' self' : ''}` });
  const { x, y } = place(i, count, RADIUS);
  const title = make('title', {});
  title.textContent = `${node.name}: ${node.words}`;
  const r = count > 30 ? '5' : '8';
  group.append(title, make('circle', { cx: x.toFixed(1), cy: y.toFixed(1), r }));
  if (count <= MOST_LABELS) {
    const at = place(i, count, RADIUS + 18);
    const side = Math.abs(at.x - WIDTH / 2) < 20 ? 'middle' : at.x > WIDTH / 2 ? 'start' : 'end';
    const label = make('text', { x: at.x.toFixed(1), y: (at.y + 4).toFixed(1), 'text-anchor': side });
    label.textContent =
      node.label.length > LABEL_LENGTH ? `…${node.label.slice(1 - LABEL_LENGTH)}` : node.label;
    group.append(label);
  }
  return group;
}

function make(tag: string, attributes: Readonly<Record<string, string>>): Element {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}
