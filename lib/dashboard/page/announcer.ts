import type { Snapshot } from '../snapshot.types.js';
import { byId, write } from './dom.js';

let told = new Set<string>();
let isLost = false;

/**
 * Has a screen reader say what is new: how it stands, and what is the matter. Times that run are no news: what has only
 * grown older is not said again.
 */
export function announce({ summary, findings }: Snapshot): void {
  const texts = [summary, ...findings.map(({ text }) => text)];
  const now = new Set(texts.map(withoutTimes));
  const news = texts.filter((text) => !told.has(withoutTimes(text)));
  const isOver = told.size > now.size && findings.length === 0;
  told = now;
  if (news.length > 0) say(news.join(' '));
  else if (isOver) say(summary);
}

/** The page has lost its node, or found it again. */
export function announceLink(state: 'live' | 'lost'): void {
  const wasLost = isLost;
  isLost = state === 'lost';
  if (isLost !== wasLost) say(isLost ? 'The page has lost its node.' : 'The page is live again.');
}

/** The same finding, however long it has been there. */
export function withoutTimes(text: string): string {
  return text.replace(/\d+(\.\d+)? (s|min|h|d|times)\b/g, '');
}

function say(text: string): void {
  write(byId('announcer'), text);
}
