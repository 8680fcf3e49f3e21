import { describe, expect, it } from 'vitest';
import { optionsOf } from '../../soak/options.js';

describe('the options of a soak', () => {
  it('have defaults, and a seed of its own each time', () => {
    expect(optionsOf([], () => 0.5)).toEqual({ minutes: 10, rate: 100, seed: 2 ** 30 });
  });

  it('are taken as given', () => {
    expect(optionsOf(['--minutes', '0.5', '--rate', '20', '--seed', '7'])).toEqual({
      minutes: 0.5,
      rate: 20,
      seed: 7,
    });
  });

  it.each([[['--minutes', 'ten']], [['--rate', '-1']], [['--seed', '']], [['--sed', '1']]])(
    'refuse %j',
    (args) => {
      expect(() => optionsOf(args)).toThrow(/--|sed/);
    },
  );
});
