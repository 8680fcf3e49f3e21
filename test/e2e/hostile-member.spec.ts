import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FrameKind } from '../../lib/wire/frames.js';
import { freePorts, nameOn, SECRET } from '../support/processes/cluster.js';
import { HostileMember, hostileFrames } from '../support/mesh/hostile-member.js';
import { type Program, startProgram, stopPrograms } from '../support/processes/programs.js';

interface Report {
  readonly asked: number;
  readonly answered: number;
  readonly faults: readonly string[];
  readonly friendsDown: number;
  readonly peers: number;
  readonly heldBytes: number;
}

/** What a run of hostile sessions may leave behind: refusals that are kept, names that were told, noise. */
const HELD_BYTES = 24 * 1024 * 1024;

let victim: Program;
let friend: Program;
let port: number;

async function report(program: Program): Promise<Report> {
  const from = program.lines.length;
  program.write('report');
  const [line] = await program.line(/^\{"asked".*$/, { from, timeoutMs: 30_000 });
  return JSON.parse(line) as Report;
}

beforeAll(async () => {
  const [victimPort, friendPort] = await freePorts(2);
  port = victimPort!;
  const start = (own: number, other: number) =>
    startProgram('talker', {
      nodeArgs: ['--expose-gc'],
      args: [
        JSON.stringify({
          appName: 'app',
          secret: SECRET,
          bind: '127.0.0.1',
          port: own,
          list: [nameOn(other)],
          friends: [nameOn(other)],
        }),
      ],
    });
  [victim, friend] = [start(victimPort!, friendPort!), start(friendPort!, victimPort!)];
  await Promise.all([victim, friend].map((program) => program.line(/^ready$/, { timeoutMs: 60_000 })));
});
afterAll(() => stopPrograms([victim, friend]));

let before: Report;
beforeEach(async () => {
  before = await report(victim);
});

/** The victim lives, and between it and its friend everything is as ever. */
async function unharmed(): Promise<void> {
  await sleep(300);
  const [here, there] = [await report(victim), await report(friend)];
  for (const { faults, friendsDown } of [here, there])
    expect({ faults, friendsDown }).toEqual({ faults: [], friendsDown: 0 });
  expect(here.answered).toBeGreaterThan(before.answered);
  expect(here.asked - here.answered).toBeLessThan(200);
}

describe('a member that says what it should not', { timeout: 180_000 }, () => {
  it('harms neither the process, nor other peers and their messages, nor memory', async () => {
    const self = { name: 'app@127.0.0.1:9', bootId: randomBytes(16).toString('hex') };
    const bootIds = [self.bootId, randomBytes(16).toString('hex')];
    const session = fc.asyncProperty(hostileFrames(bootIds), async (frames) => {
      const member = await HostileMember.join(port, SECRET, self);
      await member.send(frames, 30);
      expect(victim.isRunning, victim.lines.slice(-20).join('\n')).toBe(true);
    });
    await fc.assert(session, { numRuns: 200, endOnFailure: true });
    await unharmed();
    expect((await report(victim)).heldBytes - before.heldBytes).toBeLessThan(HELD_BYTES);
  });

  it('comes under many names, and leaves nothing behind', async () => {
    for (let round = 0; round < 40; round++) {
      const joins = Array.from({ length: 5 }, (_, i) => {
        const self = { name: `app@127.8.${round}.${i + 1}:9`, bootId: randomBytes(16).toString('hex') };
        return HostileMember.join(port, SECRET, self);
      });
      const [frames = []] = fc.sample(hostileFrames([randomBytes(16).toString('hex')]), 1);
      await Promise.all((await Promise.all(joins)).map((member) => member.send(frames, 30)));
    }
    expect(victim.isRunning, victim.lines.slice(-20).join('\n')).toBe(true);
    await unharmed();
    expect((await report(victim)).heldBytes - before.heldBytes).toBeLessThan(HELD_BYTES);
  });

  it.each([
    ['beats that ask for an answer', FrameKind.beat, { sentAt: 1, now: true }],
    ['lists that ask for a list', FrameKind.peers, { peers: [], want: true }],
    ['requests', FrameKind.request, [1, 'echo', 'x'.repeat(1_000)]],
    ['new meta', FrameKind.meta, { meta: { text: 'x'.repeat(3_000) } }],
  ])('and reads nothing gets no more than its share of memory: %s', async (_what, kind, body) => {
    const self = { name: 'app@127.0.0.1:9', bootId: randomBytes(16).toString('hex') };
    const member = await HostileMember.join(port, SECRET, self);
    member.socket.pause();
    for (let i = 0; i < 100; i++) {
      for (let j = 0; j < 300 && member.socket.writable; j++) member.say(kind, body);
      await sleep(5);
    }
    await sleep(300);
    const { heldBytes } = await report(victim);
    member.leave();
    // The queue to it may be as long as limits.sendQueueBytes says.
    expect(heldBytes - before.heldBytes).toBeLessThan(16 * 1024 * 1024 + HELD_BYTES);
    await unharmed();
  });
});
