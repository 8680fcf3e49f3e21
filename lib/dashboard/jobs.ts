import type { JobView, NodeView } from '../cluster/view/node-view.js';
import { duration, seconds } from '../time/seconds.js';
import { inOrder, listed } from './labels.js';
import type { Finding, JobRow } from './snapshot.types.js';
import type { Told } from './told.js';

/** More rows nobody reads. */
const MOST_ROWS = 100;

/** So many jobs of one node are told in its row, those that ran last. */
const MOST_OF_NODE = 3;

/** What went wrong is a finding for so long. */
const RECENT_MS = 10 * 60_000;

/** One node's word on a job. */
interface Voice {
  readonly node: string;
  readonly job: JobView;
  /** How old that word is. */
  readonly oldMs: number;
}

/** What each node says of each job. */
export type JobVoices = ReadonlyMap<string, readonly Voice[]>;

/** Each job once: who has it, who runs it, and what ran last. */
export function jobRows(jobs: JobVoices): JobRow[] {
  return [...jobs]
    .toSorted(([a], [b]) => inOrder(a, b))
    .slice(0, MOST_ROWS)
    .map(([name, voices]) => rowOf(name, voices));
}

/** Jobs whose last run failed, was lost, or was run twice: it is the app's matter, which somebody may look for here. */
export function jobFindings(jobs: JobVoices): Finding[] {
  return [...jobs].flatMap(([name, voices]) => {
    const last = latest(voices);
    const twice = Math.max(...voices.map(({ job }) => job.duplicates));
    return [
      ...(last?.job.last?.error !== undefined && agoMs(last) < RECENT_MS
        ? [finding('note', `Job ${name} failed on ${last.node} ${ago(last)}: ${last.job.last.error}`)]
        : []),
      ...(twice > 0
        ? [finding('note', `Job ${name} had ${times(twice)} by two nodes, while the network was split.`)]
        : []),
    ];
  });
}

/** The jobs of one node that ran last, in a few words each. */
export function jobsOfNode(view: NodeView, oldMs: number): string[] {
  const jobs = (view.jobs ?? []).toSorted(
    (a, b) => (a.last?.agoMs ?? Infinity) - (b.last?.agoMs ?? Infinity),
  );
  const words = jobs.slice(0, MOST_OF_NODE).map((job) => {
    if (!job.last) return job.name;
    return `${job.name} ${job.running > 0 ? 'runs' : `ran ${duration(job.last.agoMs + oldMs)} ago`}`;
  });
  return jobs.length > MOST_OF_NODE ? [...words, `${jobs.length - MOST_OF_NODE} more`] : words;
}

export function jobVoices(nodes: readonly Told[], nowMs: number): JobVoices {
  const jobs = new Map<string, Voice[]>();
  for (const { name: node, view, toldAtMs, goneAtMs } of nodes)
    for (const job of goneAtMs === undefined ? (view?.jobs ?? []) : []) {
      const voice = { node, job, oldMs: nowMs - (toldAtMs ?? nowMs) };
      const voices = jobs.get(job.name);
      if (voices) voices.push(voice);
      else jobs.set(job.name, [voice]);
    }
  return jobs;
}

function rowOf(name: string, voices: readonly Voice[]): JobRow {
  const running = voices.filter(({ job }) => job.running > 0);
  const last = latest(voices);
  const sum = (read: (job: JobView) => number): number =>
    voices.reduce((total, { job }) => total + read(job), 0);
  // All nodes tell of a due time that nobody ran.
  const most = (read: (job: JobView) => number): number => Math.max(...voices.map(({ job }) => read(job)));
  const failed = sum((job) => job.failed);
  const missed = most((job) => job.missed);
  const duplicates = most((job) => job.duplicates);
  return {
    name,
    on: voices.length > 4 ? `${voices.length} nodes` : listed(voices.map(({ node }) => node)),
    now: running.length === 0 ? '' : `on ${listed(running.map(({ node }) => node))}`,
    last: last ? lastWords(last) : 'not since these nodes started',
    counts: [
      times(sum((job) => job.runs)),
      ...(failed > 0 ? [`${failed} failed`] : []),
      ...(missed > 0 ? [`${missed} skipped by all`] : []),
      ...(duplicates > 0 ? [`${duplicates} by two nodes`] : []),
    ].join(', '),
    isWell: last?.job.last?.error === undefined,
  };
}

function lastWords(voice: Voice): string {
  const { tookMs, error } = voice.job.last!;
  const took = tookMs === undefined ? 'still at work' : `took ${seconds(tookMs)}`;
  return `${ago(voice)} on ${voice.node}, ${took}${error === undefined ? '' : `, failed: ${error}`}`;
}

function latest(voices: readonly Voice[]): Voice | undefined {
  return voices.filter(({ job }) => job.last).toSorted((a, b) => agoMs(a) - agoMs(b))[0];
}

function agoMs({ job, oldMs }: Voice): number {
  return (job.last?.agoMs ?? Infinity) + oldMs;
}

function ago(voice: Voice): string {
  return `${duration(agoMs(voice))} ago`;
}

function times(count: number): string {
  return `${count} ${count === 1 ? 'run' : 'runs'}`;
}

function finding(level: Finding['level'], text: string): Finding {
  return { level, text };
}
