import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ConnectAnyOptions } from '../../../../../lib/mesh/transport/tcp/connect-any.js';
import { ConnectAny } from '../../../../../lib/mesh/transport/tcp/connect-any.js';
import { VirtualClock } from '../../../../../lib/testing/cluster/virtual-clock.js';

/** What an address does with a connection: after so many milliseconds it takes it or refuses it; or nothing. */
type Answer = { readonly takes: number } | { readonly refuses: number } | 'nothing';

const WITHIN_MS = 2_000;

class FakeSocket extends EventEmitter {
  isDestroyed = false;

  constructor(readonly host: string) {
    super();
  }

  destroy(): void {
    this.isDestroyed = true;
  }
}

/** A host whose addresses are `a0`, `a1`, …. */
function dial(answers: readonly Answer[], turn = 0, lookupError?: Error) {
  const clock = new VirtualClock();
  const sockets: FakeSocket[] = [];
  const outcomes: (string | Error)[] = [];
  const options: ConnectAnyOptions = {
    host: 'many.example',
    port: 1,
    turn,
    withinMs: WITHIN_MS,
    clock,
    lookup: (_host, _options, callback) =>
      callback(
        lookupError ?? null,
        answers.map((_answer, i) => ({ address: `a${i}`, family: 4 })),
      ),
    connect: (host) => {
      const socket = new FakeSocket(host);
      sockets.push(socket);
      const answer = answers[Number(host.slice(1))]!;
      if (answer !== 'nothing')
        clock.after('takes' in answer ? answer.takes : answer.refuses, () => {
          if (socket.isDestroyed) return;
          if ('takes' in answer) socket.emit('connect');
          else socket.emit('error', new Error(`${host} refused`));
        });
      return socket as unknown as Socket;
    },
    connected: (socket) => void outcomes.push((socket as unknown as FakeSocket).host),
    failed: (error) => void outcomes.push(error),
  };
  const attempt = new ConnectAny(options);
  return { clock, sockets, outcomes, attempt };
}

describe('ConnectAny', () => {
  it('takes an address that needs longer than the pause, though the next one is dead', () => {
    const { clock, outcomes } = dial([{ takes: 300 }, 'nothing']);
    clock.advance(300);
    expect(outcomes).toEqual(['a0']);
  });

  it('reaches the one live address behind nine dead ones, and leaves it half of the time', () => {
    const { clock, outcomes } = dial([
      ...Array.from({ length: 9 }, () => 'nothing' as const),
      { takes: 900 },
    ]);
    clock.advance(WITHIN_MS - 1);
    expect(outcomes).toEqual(['a9']);
  });

  it('tries the next address at once when one refuses', () => {
    const { clock, outcomes } = dial([{ refuses: 1 }, { refuses: 1 }, { takes: 1 }]);
    clock.advance(3);
    expect(outcomes).toEqual(['a2']);
  });

  it('begins with another address at each turn', () => {
    const firsts = [0, 1, 2, 3].map((turn) => dial(['nothing', 'nothing', 'nothing'], turn).sockets[0]!.host);
    expect(firsts).toEqual(['a0', 'a1', 'a2', 'a0']);
  });

  it('fails with the error of the lookup', () => {
    const { outcomes } = dial([], 0, new Error('getaddrinfo ENOTFOUND'));
    expect(outcomes).toEqual([new Error('getaddrinfo ENOTFOUND')]);
  });

  it('has one outcome: the first that takes the connection, or a failure when all refuse; and leaves no socket', () => {
    const ms = fc.integer({ min: 0, max: 900 });
    const answer = fc.oneof(
      fc.record({ takes: ms }),
      fc.record({ refuses: ms }),
      fc.constant('nothing' as const),
    );
    fc.assert(
      fc.property(fc.array(answer, { minLength: 1, maxLength: 12 }), fc.nat(20), (answers, turn) => {
        const { clock, outcomes, sockets } = dial(answers, turn);
        clock.advance(WITHIN_MS);
        const canTake = answers.some((each) => each !== 'nothing' && 'takes' in each);
        const allRefuse = answers.every((each) => each !== 'nothing' && 'refuses' in each);
        expect(outcomes).toHaveLength(canTake || allRefuse ? 1 : 0);
        if (canTake) expect(answers[Number(String(outcomes[0]).slice(1))]).toHaveProperty('takes');
        if (canTake)
          expect(sockets.filter(({ isDestroyed }) => !isDestroyed)).toHaveLength(1 + refused(sockets));
        expect(clock.pending - answers.length).toBeLessThanOrEqual(0);

        function refused(all: readonly FakeSocket[]): number {
          const isRefused = ({ host, isDestroyed }: FakeSocket) => {
            const each = answers[Number(host.slice(1))]!;
            return !isDestroyed && each !== 'nothing' && 'refuses' in each;
          };
          return all.filter(isRefused).length;
        }
      }),
    );
  });

  it('calls nobody after it was cancelled', () => {
    const { attempt, clock, outcomes, sockets } = dial([{ takes: 10 }, { refuses: 10 }]);
    attempt.cancel();
    clock.advance(WITHIN_MS);
    expect(outcomes).toEqual([]);
    expect(sockets.every(({ isDestroyed }) => isDestroyed)).toBe(true);
  });
});
