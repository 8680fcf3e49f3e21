import { optionsOf } from './options.js';
import { print } from './report.js';
import { soak } from './soak.js';

const INTERRUPTED = 130;
const SHOWN_FAULTS = 50;

/** Returns the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const options = optionsOf(args);
  const { minutes, rate, seed } = options;
  print(`Five processes for ${minutes} minutes, ${rate} messages a second each. Again with --seed ${seed}`);
  const interruption = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      print('\nInterrupted: the processes are told to end.');
      interruption.abort();
    });
  const faults = await soak(options, interruption.signal);
  if (faults.length > 0) {
    print(`\n${faults.length} FAULTS (seed ${seed}):`);
    for (const fault of faults.slice(0, SHOWN_FAULTS)) print(`  ${fault}`);
    return 1;
  }
  if (interruption.signal.aborted) return INTERRUPTED;
  print('\nNothing was broken.');
  return 0;
}
