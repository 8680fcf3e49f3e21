import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { RunNews, RunQuestion } from '../../../lib/runs/core/run.types.js';
import {
  answerBody,
  newsBody,
  portionsOf,
  questionBody,
  readAnswer,
  readNews,
  readQuestion,
} from '../../../lib/runs/runs-wire.js';

const key = { job: 'Reports.daily', dueMs: 1_000 };

it('brings questions, answers and news over as they were', () => {
  const questions: RunQuestion[] = [
    { type: 'will', key },
    { type: 'claim', key, attempt: 3, onLoss: 'rerun', keepMs: 5 },
  ];
  for (const question of questions) expect(readQuestion(questionBody(question))).toEqual(question);
  const news: RunNews[] = [
    { key, word: 'done', onLoss: 'skip', keepMs: 5 },
    { key, by: 'b', word: 'started', onLoss: 'rerun', keepMs: 0 },
  ];
  for (const scope of ['some', 'all', 'again'] as const)
    expect(readNews(newsBody(news, scope))).toEqual({ news, scope });
  expect(readAnswer(answerBody({ type: 'held', by: 'b', state: 'lost' }))).toEqual({
    type: 'held',
    by: 'b',
    state: 'lost',
  });
  expect(readAnswer(answerBody({ type: 'yes' }))).toEqual({ type: 'yes', isYoung: false });
});

it('tells of much in portions that fit into a message, in order, and of nothing in one', () => {
  const nameLength = fc.integer({ min: 1, max: 512 });
  fc.assert(
    fc.property(
      fc.array(nameLength, { maxLength: 400 }),
      fc.integer({ min: 1, max: 4 }),
      (lengths, times) => {
        const news = Array.from({ length: times }, () => lengths)
          .flat()
          .map((length, dueMs): RunNews => {
            const job = 'ä'.repeat(length);
            return {
              key: { job, dueMs },
              by: 'b'.repeat(36),
              word: 'done',
              onLoss: 'skip',
              keepMs: 86_400_000,
            };
          });
        const portions = portionsOf(news);
        expect(portions.flat()).toEqual(news);
        expect(portions.length).toBeGreaterThan(0);
        for (const portion of portions) {
          if (news.length > 0) expect(portion.length).toBeGreaterThan(0);
          expect(Buffer.byteLength(JSON.stringify(newsBody(portion, 'all')))).toBeLessThan(512 * 1024);
        }
      },
    ),
    { numRuns: 20 },
  );
});

it('takes nothing else from a member, and never throws', () => {
  fc.assert(
    fc.property(fc.anything(), (body) => {
      readNews(body);
      readNews(['news', body, body]);
      readNews(['news', 'some', body]);
      readNews(['news', 'some', [body]]);
      readAnswer(body);
      const question = readQuestion(body);
      expect(question === undefined || typeof question.key.job === 'string').toBe(true);
    }),
  );
  expect(readQuestion(['claim', 'a', 1.5, 1, 'skip', 1])).toBeUndefined();
  expect(readQuestion(['claim', 'a', 1, 1, 'maybe', 1])).toBeUndefined();
  expect(readNews(['news', 'all', [['a', 1, 'eaten', 'skip', 1, null]]])).toEqual({ news: [], scope: 'all' });
  expect(readNews(['news', 'most', []])).toBeUndefined();
});
