import { performance } from 'node:perf_hooks';
import { large, small } from './payloads.mjs';

/** What a client process can be told to do with its caller. */
export const runners = {
  /** One request after the other. */
  async sequential({ request }, { forMs }) {
    const latencies = [];
    const endMs = performance.now() + forMs;
    for (let nowMs = performance.now(); nowMs < endMs;) {
      const startedMs = nowMs;
      await request(small);
      nowMs = performance.now();
      latencies.push(nowMs - startedMs);
    }
    latencies.sort((a, b) => a - b);
    const at = (share) => latencies[Math.floor(latencies.length * share)] * 1000;
    return { p50Us: at(0.5), p99Us: at(0.99) };
  },

  /** Many requests at once, always the same number. */
  async parallel({ request }, { forMs, inFlight, isLarge }) {
    const data = isLarge ? large : small;
    const startedMs = performance.now();
    const endMs = startedMs + forMs;
    let count = 0;
    const loop = async () => {
      while (performance.now() < endMs) {
        const answer = await request(data);
        if (!answer) throw new Error('there was no answer');
        count++;
      }
    };
    await Promise.all(Array.from({ length: inFlight }, loop));
    return { count, perSecond: (1000 * count) / (performance.now() - startedMs) };
  },

  /** So many one-way messages; waits for room as the caller says. */
  events: ({ event }, { count }) => flood(event, count),
  broadcasts: ({ broadcast }, { count }) => flood(broadcast, count),
};

/** Calls on, 64 to the turn, and waits for what the calls give: room. */
async function flood(call, count) {
  for (let sent = 0; sent < count;) {
    let room;
    for (let i = 0; i < 64 && sent < count; i++, sent++) room = call(small) ?? room;
    await room;
    await new Promise(setImmediate);
  }
}
