import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createWorker, type CreateWorker } from '../../lib/mesh/probes/probe-thread-host.js';
import { type Prober, startProber } from '../../lib/mesh/probes/prober.js';

const probers: Prober[] = [];
const eventually = (holds: () => void) => vi.waitFor(holds, { timeout: 20_000 });

afterEach(async () => {
  await Promise.all(probers.splice(0).map((each) => each.close()));
});

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(resolve));
  return port;
}

/** A prober with an open port. */
async function prober(create: CreateWorker = createWorker, givenPort?: number) {
  const port = givenPort ?? (await freeUdpPort());
  const bootId = randomBytes(16).toString('hex');
  const key = randomBytes(32);
  const answers: { bootId: string; lagMs: number; ageMs: number }[] = [];
  const answering: boolean[] = [];
  const started = startProber(
    {
      bootId,
      key,
      bind: '127.0.0.1',
      answered: (from, lagMs, ageMs) => answers.push({ bootId: from, lagMs, ageMs }),
      unheard: () => {},
      answering: (isSo) => answering.push(isSo),
    },
    create,
  );
  probers.push(started);
  await started.open(port);
  const target = { bootId, host: '127.0.0.1', port, key, silentMs: 0 };
  return { prober: started, answers, answering, target };
}

function block(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

/** Starts these, one after the other, and then what should be started. */
function inOrder(...first: CreateWorker[]): CreateWorker {
  return (data) => (first.shift() ?? createWorker)(data);
}

const workerOf =
  (text: string): CreateWorker =>
  () =>
    new Worker(text, { eval: true, env: {}, execArgv: [] });

describe('a prober', () => {
  it('answers while the main loop is blocked, and says how old an answer is', async () => {
    const [a, b] = [await prober(), await prober()];
    expect(a.answering).toEqual([true]);
    a.prober.probe(b.target);
    block(600);
    await eventually(() => expect(a.answers.length).toBe(1));
    expect(a.answers[0]!.bootId).toBe(b.target.bootId);
    expect(a.answers[0]!.ageMs).toBeGreaterThan(100);
    // From now on its loop is behind: another thread sees it.
    a.prober.probe(b.target);
    block(50);
    await eventually(() => expect(a.answers.length).toBe(2));
    expect([...a.prober.notes, ...b.prober.notes]).toEqual([]);
  });

  it.each([
    ['exits', workerOf('process.exit(3)'), 'exit code 3'],
    ['ends', workerOf('0'), 'exit code 0'],
    ['throws', workerOf('throw new Error("out of luck")'), 'out of luck'],
    [
      'cannot be started',
      () => {
        throw new Error('Access to this API has been restricted');
      },
      'restricted',
    ],
  ] as [string, CreateWorker, string][])(
    'whose thread %s answers on the main thread until it is started again',
    async (_what, broken, why) => {
      const a = await prober();
      const b = await prober(inOrder(broken, broken));
      a.prober.probe(b.target);
      await eventually(() => expect(a.answers.length).toBe(1));
      await eventually(() => expect(b.answering).toEqual([true]));
      expect(b.prober.notes).toEqual([expect.stringContaining(why)]);
      expect(b.prober.notes[0]).toContain('2 times');
      a.prober.probe(b.target);
      await eventually(() => expect(a.answers.length).toBe(2));
    },
  );

  it('whose thread is ended later says so, and answers again', async () => {
    const started: Worker[] = [];
    const create: CreateWorker = (data) => {
      const worker = createWorker(data);
      started.push(worker);
      return worker;
    };
    const [a, b] = [await prober(), await prober(create)];
    await started[0]!.terminate();
    await eventually(() => expect(b.answering).toEqual([true, false, true]));
    expect(b.prober.notes).toEqual([expect.stringContaining('was started again')]);
    a.prober.probe(b.target);
    await eventually(() => expect(a.answers.length).toBe(1));
  });

  it('without its port says so', async () => {
    const taken = await prober();
    const second = await prober(createWorker, taken.target.port);
    expect(second.prober.notes).toEqual([
      expect.stringMatching(/UDP port \d+ could not be opened.*EADDRINUSE/),
    ]);
    expect(second.answering).toEqual([]);
  });

  it('says what it cannot send', async () => {
    const a = await prober();
    a.prober.probe({ ...a.target, host: '::1' });
    await eventually(() => expect(a.prober.notes).toEqual([expect.stringContaining('EAFNOSUPPORT')]));
  });

  it('can be closed at any time', async () => {
    const bootId = randomBytes(16).toString('hex');
    const key = randomBytes(32);
    const nothing = () => {};
    const options = { bootId, key, bind: '127.0.0.1', answered: nothing, unheard: nothing };
    const answering = vi.fn<(isSo: boolean) => void>();
    const early = startProber({ ...options, answering });
    const opening = early.open(await freeUdpPort());
    await early.close();
    await opening;
    expect(answering).not.toHaveBeenCalled();
  });
});
