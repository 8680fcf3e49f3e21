import { describe, expect, it } from 'vitest';
import { describeProvider } from '../../../lib/testing/index.js';
import type { ProviderFixtures } from '../../../lib/testing/index.js';
import type { PeerageProvider, ServeContext } from '../../../lib/via/provider.js';

/** A notice board in memory, with everything that the kit can ask for. */
class Board implements ProviderFixtures {
  readonly pushes = true;
  private names: string[] = [];
  private trouble: 'fails' | 'hangs' | undefined;
  private readonly watchers = new Set<() => void>();

  hold(names: readonly string[]): void {
    this.names = [...names];
    for (const wake of [...this.watchers]) wake();
  }

  addGarbage(texts: readonly string[]): void {
    this.names.push(...texts);
  }

  fail(): void {
    this.trouble = 'fails';
  }

  hang(): void {
    this.trouble = 'hangs';
  }

  heal(): void {
    this.trouble = undefined;
  }

  held(): string[] {
    return this.names;
  }

  async read(signal: AbortSignal): Promise<string[]> {
    if (this.trouble === 'fails') throw new Error('the board is gone');
    if (this.trouble === 'hangs') await aborted(signal, true);
    return [...this.names];
  }

  async serve({ self, signal, found }: ServeContext): Promise<void> {
    if (signal.aborted) return;
    const tell = () => found(this.names);
    this.watchers.add(tell);
    this.names.push(self.name);
    await aborted(signal);
    this.watchers.delete(tell);
    this.names = this.names.filter((name) => name !== self.name);
  }
}

/** Ends with the signal; `reject`: by its reason. */
function aborted(signal: AbortSignal, reject = false): Promise<void> {
  return new Promise((resolve, fail) => {
    const end = () => (reject ? fail(new Error('aborted')) : resolve());
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}

function boardProvider(board: Board): PeerageProvider {
  return {
    name: 'board',
    poll: ({ signal }) => board.read(signal),
    serve: (context) => board.serve(context),
  };
}

const wellKept = new Board();
describeProvider(() => boardProvider(wellKept), wellKept, { title: 'a good provider', describe, it });

type Change = (good: PeerageProvider, board: Board) => Partial<PeerageProvider>;

/** The rules of the kit, for a provider that was changed; none is checked yet. */
function rulesFor(change: Change): { title: string; check: () => Promise<void> }[] {
  const board = new Board();
  const rules: { title: string; check: () => Promise<void> }[] = [];
  const factory = () => {
    const good = boardProvider(board);
    return { ...good, ...change(good, board) };
  };
  describeProvider(factory, board, {
    describe: (_title, body) => body(),
    it: (title, check) => rules.push({ title, check }),
  });
  return rules;
}

/** The rules that a provider breaks. Each is checked on a board of its own, side by side. */
async function brokenBy(change: Change): Promise<string[]> {
  const verdicts = rulesFor(change).map(async ({ title }, i) => {
    if (title === LEAVES_NOTHING_OPEN) return [];
    const rule = rulesFor(change)[i]!;
    return rule.check().then(
      () => [],
      () => [title],
    );
  });
  return (await Promise.all(verdicts)).flat();
}

const LEAVES_NOTHING_OPEN = 'leaves nothing open';

describe('describeProvider', () => {
  it('finds nothing wrong with a good provider', async () => {
    expect(await brokenBy(() => ({}))).toEqual([]);
  });

  it.concurrent.each<[string, Change, string]>([
    ['misses names', () => ({ poll: () => [] }), 'answers with the names of its source'],
    [
      'makes up names',
      () => ({ poll: () => ['kit@192.0.2.99:4001'] }),
      'answers nothing when its source holds nothing',
    ],
    [
      'answers no list',
      () => ({ poll: () => null as unknown as string[] }),
      'answers nothing when its source holds nothing',
    ],
    [
      'stops at a hundred names',
      (good) => ({ poll: async (context) => [...(await good.poll(context))].slice(0, 100) }),
      'answers with a great many names in time',
    ],
    [
      'gives up on what is no name',
      (good) => ({
        poll: async (context) => {
          const names = [...(await good.poll(context))];
          if (names.some((name) => !name.includes('@'))) throw new Error('malformed');
          return names;
        },
      }),
      'finds the names beside what is no name',
    ],
    [
      'never looks again',
      (good) => {
        let first: Promise<Iterable<string>> | undefined;
        return { poll: (context) => (first ??= Promise.resolve(good.poll(context))) };
      },
      'serves again after its source failed',
    ],
    [
      'answers nothing when its source fails',
      (good) => ({ poll: (context) => Promise.resolve(good.poll(context)).catch(() => []) }),
      'rejects a poll while its source fails, instead of answering nothing',
    ],
    [
      'does not heed the signal of poll',
      (good) => ({
        poll: ({ self }) => good.poll({ self, signal: new AbortController().signal }),
      }),
      'gives up a poll of a source that hangs when it is aborted',
    ],
    [
      'answers one poll at a time',
      (good) => {
        let isBusy = false;
        return {
          poll: async (context) => {
            if (isBusy) throw new Error('busy');
            isBusy = true;
            const names = await good.poll(context);
            await new Promise((resolve) => setTimeout(resolve, 20));
            isBusy = false;
            return names;
          },
        };
      },
      'answers polls that overlap',
    ],
    [
      'hangs when it is aborted',
      (good) => ({
        poll: (context) => (context.signal.aborted ? new Promise(() => {}) : good.poll(context)),
      }),
      'gives up a poll that is aborted, and answers the next one',
    ],
    [
      'returns early from serve',
      () => ({ serve: async () => {} }),
      'serves until it is told to end, and finds nothing afterwards',
    ],
    [
      'does not end its serve',
      () => ({ serve: () => new Promise(() => {}) }),
      'serves until it is told to end, and finds nothing afterwards',
    ],
    [
      'finds names after the end',
      (_good, board) => ({
        serve: async ({ signal, found }) => {
          await aborted(signal);
          setTimeout(() => found(board.held()), 50);
        },
      }),
      'serves until it is told to end, and finds nothing afterwards',
    ],
    [
      'serves only once',
      (good) => {
        let served = false;
        return {
          serve: async (context) => {
            const isAgain = served;
            served = true;
            await (isAgain ? aborted(context.signal) : good.serve!(context));
          },
        };
      },
      'can be served again after its end',
    ],
    [
      'finds nothing by itself',
      (good) => ({ serve: (context) => good.serve!({ ...context, found: () => {} }) }),
      'finds a new name while it serves',
    ],
    [
      'stays on the board',
      (_good, board) => ({
        serve: async ({ self, signal }) => {
          if (!board.held().includes(self.name)) board.held().push(self.name);
          await aborted(signal);
        },
      }),
      'announces its node while it serves, and takes that back',
    ],
    ['has no name', () => ({ name: '' }), 'has poll() and serve()'],
  ])('tells of a provider that %s', async (_how, change, rule) => {
    expect(await brokenBy(change)).toContain(rule);
  });

  it('tells of a provider that leaves something open', async () => {
    const timers: NodeJS.Timeout[] = [];
    const leaky: Change = (good) => ({
      serve: (context) => {
        timers.push(setInterval(() => {}, 1_000));
        return good.serve!(context);
      },
    });
    const rule = rulesFor(leaky).find(({ title }) => title === LEAVES_NOTHING_OPEN)!;
    await expect(rule.check()).rejects.toThrow(/keeps a process from ending: Timeout/);
    timers.forEach(clearInterval);
  });

  it('leaves out what the fixtures cannot do', () => {
    const titles: string[] = [];
    const fixed: ProviderFixtures = { hold: () => {}, isFixed: true };
    describeProvider(() => ({ poll: () => [] }), fixed, {
      describe: (_title, body) => body(),
      it: (title) => titles.push(title),
    });
    expect(titles).toContain('has poll()');
    expect(titles).not.toContain('follows its source');
    expect(titles.filter((title) => /fails|hangs|serves/.test(title))).toEqual([]);
  });

  it('says what is missing when there is no test runner', () => {
    expect(() => describeProvider(() => ({ poll: () => [] }), { hold: () => {} })).toThrow(
      /Hand over those of your test runner/,
    );
  });
});
