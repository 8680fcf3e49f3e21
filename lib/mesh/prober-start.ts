import type { Clock } from '../time/clock.js';
import type { Prober } from './probes/prober.js';

/** A node begins without an open prober when that takes longer than this. */
const OPEN_WITHIN_MS = 1_000;

/** Where nothing probes. */
export const noProber = (): Prober => ({
  notes: [],
  open: async () => {},
  probe: () => {},
  close: async () => {},
});

/** Nobody may call us a peer before our probes are answered, or are known not to be. */
export async function openWithin(prober: Prober, port: number, clock: Clock): Promise<void> {
  let cancel = (): void => {};
  const tooLate = new Promise<void>((resolve) => (cancel = clock.after(OPEN_WITHIN_MS, resolve)));
  await Promise.race([prober.open(port), tooLate]);
  cancel();
}
