import { randomBytes } from 'node:crypto';
import { monotonicMs } from '../mesh/probes/loop-progress.js';
import { ProbeSocket } from '../mesh/probes/probe-socket.js';
import { parseHostPort } from '../naming/node-name.js';
import { sleep } from '../time/waiting.js';
import { PROBE_KEY_BYTES } from '../wire/control-frames.js';
import type { Welcome } from '../wire/frames.js';

/** Lost one by one, not all of them. */
const PROBES = 8;
const PROBE_EVERY_MS = 150;

/** `blocked`: no answer. Else the code of this host's error. */
type UdpResult = 'ok' | 'blocked' | (string & {});

/** Whether a node that we have shaken hands with answers a UDP probe at the address where it was reached. */
export async function probeNode(
  { node, probeKey }: Welcome,
  address: string,
  signal: AbortSignal,
): Promise<UdpResult> {
  const answered = new AbortController();
  let fault: string | undefined;
  const socket = new ProbeSocket({
    bootId: randomBytes(16).toString('hex'),
    key: randomBytes(PROBE_KEY_BYTES),
    bind: undefined,
    port: 0,
    nowMs: monotonicMs,
    lagMs: () => 0,
    answered: () => answered.abort(),
    unheard: () => {},
    unsent: (_bootId, code) => (fault = code),
  });
  try {
    await socket.open();
    const target = { bootId: node.bootId, ...parseHostPort(address), key: probeKey, silentMs: 0 };
    for (let i = 0; i < PROBES && !answered.signal.aborted && !signal.aborted; i++) {
      socket.probe(target);
      await sleep(PROBE_EVERY_MS, answered.signal);
    }
  } finally {
    socket.close();
  }
  return answered.signal.aborted ? 'ok' : (fault ?? 'blocked');
}
