import type {
  NewsScope,
  OnLoss,
  RunAnswer,
  RunKey,
  RunNews,
  RunQuestion,
  RunState,
  RunWord,
} from './core/run.types.js';

/** Questions and news of runs. Not for apps: with two `$` it is sent and handled whatever else waits. */
export const RUNS_TOPIC = '$$runs';

/** The longest name of a job, or key. */
export const MAX_JOB = 512;

/** About this much goes into one message. */
const PORTION_BYTES = 128 * 1024;

/** Of one item of news, besides its name. */
const NEWS_BYTES = 64;

const STATES: readonly RunState[] = ['claimed', 'started', 'done', 'lost'];
const SCOPES: readonly NewsScope[] = ['some', 'all', 'again'];
const WORDS: readonly RunWord[] = ['started', 'done', 'lost', 'released'];

/** What a member told. */
export interface ToldNews {
  readonly news: readonly RunNews[];
  readonly scope: NewsScope;
}

/** A question as it travels. */
export function questionBody(question: RunQuestion): readonly unknown[] {
  const { job, dueMs } = question.key;
  if (question.type === 'will') return ['will', job, dueMs];
  const { attempt, onLoss, keepMs } = question;
  return ['claim', job, dueMs, attempt, onLoss, keepMs];
}

/** News as they travel. */
export function newsBody(news: readonly RunNews[], scope: NewsScope): readonly unknown[] {
  return [
    'news',
    scope,
    news.map(({ key, by, word, onLoss, keepMs }) => [key.job, key.dueMs, word, onLoss, keepMs, by ?? null]),
  ];
}

/** News in portions that fit into a message; one at least. */
export function portionsOf(news: readonly RunNews[]): (readonly RunNews[])[] {
  const portions: RunNews[][] = [[]];
  let bytes = 0;
  for (const each of news) {
    bytes += NEWS_BYTES + Buffer.byteLength(each.key.job);
    if (bytes > PORTION_BYTES && portions.at(-1)!.length > 0) {
      portions.push([]);
      bytes = NEWS_BYTES + Buffer.byteLength(each.key.job);
    }
    portions.at(-1)!.push(each);
  }
  return portions;
}

/** What a member sent, if it makes sense. */
export function readQuestion(body: unknown): RunQuestion | undefined {
  if (!Array.isArray(body)) return undefined;
  const [type, job, dueMs, attempt, onLoss, keepMs] = body as unknown[];
  const key = keyOf(job, dueMs);
  if (!key) return undefined;
  if (type === 'will') return { type, key };
  if (type !== 'claim' || !isCount(attempt) || !isOnLoss(onLoss) || !isCount(keepMs)) return undefined;
  return { type, key, attempt, onLoss, keepMs };
}

export function readNews(body: unknown): ToldNews | undefined {
  if (!Array.isArray(body)) return undefined;
  const [type, scope, list] = body as unknown[];
  if (type !== 'news' || !isOneOf(SCOPES, scope) || !Array.isArray(list)) return undefined;
  const all = (list as unknown[]).flatMap((each) => {
    if (!Array.isArray(each)) return [];
    const [job, dueMs, word, onLoss, keepMs, by] = each as unknown[];
    const key = keyOf(job, dueMs);
    if (!key || !isOneOf(WORDS, word) || !isOnLoss(onLoss) || !isCount(keepMs)) return [];
    const news: RunNews = { key, word, onLoss, keepMs };
    return [typeof by === 'string' ? { ...news, by } : news];
  });
  return { news: all, scope };
}

/** An answer as it travels. */
export function answerBody(answer: RunAnswer): readonly unknown[] {
  if (answer.type === 'held') return ['held', answer.by, answer.state];
  return answer.type === 'yes' ? ['yes', answer.isYoung ?? false] : ['no'];
}

export function readAnswer(body: unknown): RunAnswer | undefined {
  if (!Array.isArray(body)) return undefined;
  const [type, first, state] = body as unknown[];
  if (type === 'yes') return { type, isYoung: first === true };
  if (type === 'no') return { type };
  return type === 'held' && typeof first === 'string' && isOneOf(STATES, state)
    ? { type, by: first, state }
    : undefined;
}

function keyOf(job: unknown, dueMs: unknown): RunKey | undefined {
  const isKey = typeof job === 'string' && job.length <= MAX_JOB && Number.isSafeInteger(dueMs);
  return isKey ? { job, dueMs: dueMs as number } : undefined;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isOnLoss(value: unknown): value is OnLoss {
  return value === 'skip' || value === 'rerun';
}

function isOneOf<T extends string>(all: readonly T[], value: unknown): value is T {
  return (all as readonly unknown[]).includes(value);
}
