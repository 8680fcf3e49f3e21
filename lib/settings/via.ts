import type { Check } from './checks.js';
import type { Faults } from './faults.js';
import { show } from './faults.js';

/** One provider, poll function or class, or a list of them. */
export const checkVia: Check = (value, path, faults) => {
  if (!Array.isArray(value)) checkOne(value, path, faults);
  else value.forEach((item, i) => checkOne(item, `${path}[${i}]`, faults));
};

function checkOne(value: unknown, path: string, faults: Faults): void {
  if (typeof value === 'function') return;
  if (typeof value === 'object' && value !== null) {
    const { poll, serve } = value as { poll?: unknown; serve?: unknown };
    if (typeof poll !== 'function')
      faults.add(path, 'has no method poll(); a provider answers it with names.');
    if (serve !== undefined && typeof serve !== 'function') faults.add(`${path}.serve`, 'is no method.');
    return;
  }
  faults.add(
    path,
    `${show(value)} is no provider; give one such as viaList(['myapp@10.0.0.1']), a function, or a class.`,
  );
}
