import type { PeerageProvider } from 'nestjs-peerage';
import type { Trouble } from './node-config.js';

/** A provider that gives `names` once, and is nothing but trouble from then on. */
export function troubled(trouble: Trouble, names: readonly string[]): PeerageProvider {
  if (trouble === 'serve-crashes') return crashing(names);
  let isFirst = names.length > 0;
  return {
    name: `trouble:${trouble}`,
    poll: () => {
      if (!isFirst) return misbehave(trouble);
      isFirst = false;
      return names;
    },
  };
}

function misbehave(trouble: Exclude<Trouble, 'serve-crashes'>): Promise<string[]> {
  switch (trouble) {
    case 'throws':
      throw new Error('the source is broken');
    case 'rejects':
      // Not even an Error.
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors
      return Promise.reject('the source is broken');
    case 'nonsense':
      return Promise.resolve([42, null, 'noat', 'a@b@c', { a: 1 }] as unknown as string[]);
    case 'hangs':
      return new Promise(() => {});
  }
}

/** Each run of its `serve` hands over the next of the names, and crashes soon. */
function crashing(names: readonly string[]): PeerageProvider {
  let runs = 0;
  return {
    name: 'trouble:serve-crashes',
    poll: () => [],
    serve: async ({ found }) => {
      found(names.slice(runs, runs + 1));
      runs += 1;
      await new Promise((resolve) => setTimeout(resolve, 50));
      throw new Error(`crash ${runs}`);
    },
  };
}
