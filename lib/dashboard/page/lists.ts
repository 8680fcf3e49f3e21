import type { Happening, Snapshot } from '../snapshot.types.js';
import { withoutTimes } from './announcer.js';
import { byId, element, sync, write } from './dom.js';
import { clockTime } from './words.js';

/** So much of the timeline is shown. */
const MOST_ENTRIES = 100;

/** What is the matter, in sentences. */
export function drawFindings({ findings, summary }: Snapshot): void {
  const line = byId('summary');
  write(line, summary);
  line.dataset['level'] = findings[0]?.level ?? 'well';
  sync(
    byId('findings'),
    findings,
    ({ text }) => withoutTimes(text),
    () => element('li'),
    (child, { level, text }) => {
      child.dataset['level'] = level;
      write(child, text);
    },
  );
}

/** What happened, newest first; behind each entry the words of those who saw it. */
export function drawTimeline({ timeline, nodes }: Snapshot): void {
  byId('timeline-empty').hidden = timeline.length > 0;
  const many = nodes.length > 1;
  sync(byId('timeline'), timeline.slice(0, MOST_ENTRIES), keyOf, makeHappening, (child, one) => {
    child.dataset['kind'] = one.kind;
    const [summary, list] = child.firstElementChild!.children as unknown as [HTMLElement, HTMLElement];
    const [time, text, by] = summary.children as unknown as [HTMLTimeElement, HTMLElement, HTMLElement];
    time.dateTime = new Date(one.at).toISOString();
    write(time, clockTime(one.at));
    const words = one.voices.map(({ why }) => why).find((why) => why !== '');
    write(text, words === undefined ? one.text : `${one.text}: ${words}`);
    write(by, many ? `seen by ${one.seenBy}` : '');
    sync(
      list,
      one.voices,
      ({ node }) => node,
      () => element('li'),
      (item, { node, why }) => write(item, why === '' ? node : `${node}: ${why}`),
    );
  });
}

function keyOf({ at, text }: Happening): string {
  return `${Math.round(at / 30_000)} ${text}`;
}

function makeHappening(): HTMLLIElement {
  const item = element('li');
  const details = element('details');
  const summary = element('summary');
  summary.append(element('time'), element('span', 'what'), element('small'));
  details.append(summary, element('ul'));
  item.append(details);
  return item;
}

export function drawProviders({ providers, notes }: Snapshot): void {
  sync(
    byId('providers'),
    providers,
    ({ name }) => name,
    () => element('li'),
    (child, { name, text, isWell }) => {
      child.dataset['level'] = isWell ? 'well' : 'bad';
      write(child, `${name}: ${text}`);
    },
  );
  byId('notes-section').hidden = notes.length === 0;
  sync(
    byId('notes'),
    notes,
    ({ text }) => text,
    () => element('li'),
    (child, { text, nodes }) =>
      write(child, `${text} (${nodes.length > 3 ? `${nodes.length} nodes` : nodes.join(', ')})`),
  );
}
