import type { PollFunction } from 'nestjs-peerage';

/** The smallest provider: a function that returns names, or a promise of them. It is called at every poll. */
export const fromVariable: PollFunction = () => (process.env['NODES'] ?? '').split(' ').filter(Boolean);
