import { median } from '../numbers.mjs';

const COLUMNS = [
  ['p50Us', 'sequential p50', (value) => `${Math.round(value)} us`],
  ['p99Us', 'p99', (value) => `${Math.round(value)} us`],
  ['requests', 'requests/s', thousands],
  ['requestCpuUs', 'CPU a request', micros],
  ['delayMs', 'loop delay p99', (value) => `${value.toFixed(1)} ms`],
  ['large', '10 KiB requests/s', thousands],
  ['events', 'events/s', thousands],
  ['eventCpuUs', 'CPU an event', micros],
  ['deliveries', 'deliveries/s, broadcast to 10', thousands],
  ['deliveryCpuUs', 'CPU a delivery', micros],
];

/** What was promised: of whom, in which column, against whom, and how many times as much. */
const TARGETS = [
  ['peerage', 'requests', 'engine', 0.85, 'at least'],
  ['peerage', 'events', 'engine', 0.85, 'at least'],
  ['peerage', 'p50Us', 'engine', 1.3, 'at most'],
  ['peerage', 'requests', 'nest-tcp', 5, 'at least'],
  ['peerage', 'events', 'nest-tcp', 10, 'at least'],
  ['transporter', 'requests', 'nest-tcp', 2, 'at least'],
  ['transporter', 'requestCpuUs', 'nest-tcp', 0.5, 'at most'],
  ['transporter', 'events', 'nest-tcp', 2, 'at least'],
];

export function table(results) {
  const head = ['', ...COLUMNS.map(([, title]) => title)];
  const rows = [...results.values()].map(({ name, samples }) => [
    name,
    ...COLUMNS.map(([key, , show]) => (samples[key] ? show(median(samples[key])) : '')),
  ]);
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Ratios are medians of the ratios of each round. */
export function ratios(results) {
  return TARGETS.flatMap(([id, column, other, target, bound]) => {
    const [mine, theirs] = [id, other].map((one) => results.get(one)?.samples[column]);
    if (!mine || !theirs) return [];
    const ratio = median(mine.map((value, round) => value / theirs[round]));
    const holds = bound === 'at least' ? ratio >= target : ratio <= target;
    const title = COLUMNS.find(([key]) => key === column)[1];
    const times = `${ratio.toFixed(2)} times`;
    return `${holds ? 'holds ' : 'MISSED'} ${title}: ${times} ${results.get(other).name} (${bound} ${target})`;
  }).join('\n');
}

function thousands(value) {
  return value >= 100_000 ? `${Math.round(value / 1000)}k` : `${(value / 1000).toFixed(1)}k`;
}

function micros(value) {
  return `${value.toFixed(value < 10 ? 2 : 1)} us`;
}
