import type { Snapshot } from '../snapshot.types.js';
import { announce, announceLink } from './announcer.js';
import { byId, write } from './dom.js';
import { answerQuestions, offerNames } from './explain.js';
import { drawJobs } from './jobs.js';
import { drawFindings, drawProviders, drawTimeline } from './lists.js';
import { drawMatrix } from './matrix.js';
import { drawNodes } from './nodes.js';
import { drawRing } from './ring.js';
import { span } from './words.js';

/** News come every two seconds, or every six from a hundred nodes; after this they are missed. */
const MISSED_MS = 15_000;
/** Who was refused tries again after this. */
const AGAIN_MS = 5_000;

const base = document.querySelector<HTMLScriptElement>('script[data-base]')!.dataset['base']!;
let newsAt = performance.now();
/** Put together of all news. */
let current = {} as Snapshot;

function draw(snapshot: Snapshot): void {
  newsAt = performance.now();
  const { cluster, servedBy, security, findings } = snapshot;
  const protection = security === 'none' ? 'not encrypted' : `encrypted, by ${security}`;
  write(byId('cluster'), cluster);
  write(byId('served'), `As told by every node to ${servedBy}, which serves this page; ${protection}`);
  const worst = findings.filter(({ level }) => level !== 'note').length;
  document.title = worst === 0 ? cluster : `(${worst}) ${cluster}`;
  drawFindings(snapshot);
  announce(snapshot);
  drawRing(snapshot);
  drawMatrix(snapshot);
  drawNodes(snapshot);
  drawJobs(snapshot);
  drawTimeline(snapshot);
  drawProviders(snapshot);
  offerNames(snapshot);
}

function live(state: 'live' | 'lost', text: string): void {
  const mark = byId('live');
  if (mark.dataset['state'] !== state) announceLink(state);
  mark.dataset['state'] = state;
  document.body.dataset['live'] = state;
  write(mark, text);
}

/** A browser tries again by itself when a stream ends, but not when it is refused. */
function listen(): void {
  const source = new EventSource(`${base}/events`);
  source.addEventListener('message', ({ data }) => {
    // What has not changed is not sent again.
    current = { ...current, ...(JSON.parse(data as string) as Partial<Snapshot>) };
    draw(current);
    live('live', 'live');
  });
  source.addEventListener('error', () => {
    live('lost', 'connection lost, trying again');
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, AGAIN_MS);
  });
}

listen();
setInterval(() => {
  const agoMs = performance.now() - newsAt;
  if (agoMs > MISSED_MS) live('lost', `no news for ${span(agoMs)}`);
}, 1_000);

answerQuestions(base);

const THEMES = ['auto', 'light', 'dark'];
const button = byId<HTMLButtonElement>('theme');
let theme = stored() ?? 'auto';
paint();
button.addEventListener('click', () => {
  theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]!;
  paint();
  try {
    localStorage.setItem('peerage-theme', theme);
  } catch {
    // A browser may forbid it: then it is forgotten with the page.
  }
});

function paint(): void {
  document.documentElement.dataset['theme'] = theme;
  write(button, `Theme: ${theme}`);
}

function stored(): string | undefined {
  try {
    return THEMES.find((one) => one === localStorage.getItem('peerage-theme'));
  } catch {
    return undefined;
  }
}
