import { describe, expect, it } from 'vitest';
import { MissingNames } from '../../../lib/cluster/missing-names.js';
import { isolationOf } from '../../../lib/cluster/isolation.js';
import type { LoopStats } from '../../../lib/cluster/explanation.js';
import type { ProviderExplanation } from '../../../lib/discovery/provider-status.js';
import type { PeerageErrorCode } from '../../../lib/errors/peerage-error.js';
import type { NameExplanation } from '../../../lib/membership/explanation.js';

const view = {
  names: [] as NameExplanation[],
  refused: [] as Parameters<typeof isolationOf>[0]['refused'],
  security: 'secret' as const,
  listening: { host: '::', port: 4370 },
  providers: [] as ProviderExplanation[],
  loop: { lagMs: 0, blocks: 0, longestMs: 0 } as LoopStats,
};

const provider = (name: string, more: Partial<ProviderExplanation> = {}): ProviderExplanation => ({
  name,
  state: 'working',
  names: [],
  polls: { succeeded: 1, failed: 0 },
  hints: 0,
  ...more,
});

const unreachable = (name: string, code: PeerageErrorCode): NameExplanation => ({
  name,
  state: 'waiting',
  summary: '',
  foundBy: ['dns:myapp'],
  failures: 3,
  lastAttempt: { result: 'failed', code, message: `Cannot connect to ${name}: no answer.`, agoMs: 1 },
});

const self: NameExplanation = { name: 'a@1', state: 'self', summary: '', foundBy: ['list'], failures: 0 };

describe('why a node is alone', () => {
  it('tells of names that cannot be reached, one reason for all that are alike', () => {
    const names = [
      self,
      unreachable('a@2', 'DIAL_TIMEOUT'),
      { ...unreachable('a@3', 'DIAL_TIMEOUT'), foundBy: ['itself', 'dns:myapp'] },
      unreachable('a@4', 'CONNECTION_REFUSED'),
    ];
    const isolation = isolationOf({ ...view, names, providers: [provider('dns:myapp', { names: ['a@2'] })] });
    expect(isolation).toEqual({
      cause:
        '3 other nodes are known (by dns:myapp), and none can be reached. Cannot connect to a@4: no answer. ' +
        '(CONNECTION_REFUSED) Cannot connect to a@2: no answer. (DIAL_TIMEOUT, as a@3)',
      key: 'CONNECTION_REFUSED,DIAL_TIMEOUT',
      isOrdinary: false,
    });
  });

  it('says of whom a reason is that does not say it itself', () => {
    const { lastAttempt, ...rest } = unreachable('a@2', 'CONNECTION_LOST');
    const silent = {
      ...rest,
      lastAttempt: { ...lastAttempt!, message: 'the connection ended.' },
    } as NameExplanation;
    const { cause } = isolationOf({ ...view, names: [self, silent] })!;
    expect(cause).toContain('none can be reached. a@2: the connection ended. (CONNECTION_LOST)');
  });

  it('names a cause also before an attempt has ended: it is the first one, or the peer has just been lost', () => {
    const dialling: NameExplanation = {
      name: 'a@2',
      state: 'dialling',
      summary: '',
      foundBy: ['dns:myapp'],
      failures: 0,
    };
    const cause = (...names: NameExplanation[]) => isolationOf({ ...view, names: [self, ...names] })!.cause;
    const known = '1 other node is known (by dns:myapp), and none can be reached.';
    expect(cause(dialling)).toBe(`${known} a@2: the first attempt is under way, or waits for its turn.`);
    const evidence = {
      silentMs: 4_000,
      countedMs: 4_000,
      deadlineMs: 4_000,
      multiplier: 1,
      probes: { sent: 0, answered: 0 },
      asked: [],
      ownLagMs: 0,
    } as const;
    const lastDown = { reason: 'timeout', evidence, bootId: '1', agoMs: 9_000 } as const;
    const lost = `${known} a@2: it was a peer until 9.0 s ago (timeout); no attempt has ended since.`;
    expect(cause({ ...dialling, lastDown })).toBe(lost);
    const connected = { result: 'connected', bootId: '1', agoMs: 60_000 } as const;
    expect(cause({ ...dialling, lastDown, lastAttempt: connected })).toBe(lost);
    const { lastAttempt } = unreachable('a@2', 'DIAL_TIMEOUT');
    expect(cause({ ...dialling, lastDown, lastAttempt: { ...lastAttempt!, agoMs: 60_000 } })).toBe(lost);
    expect(cause({ ...dialling, lastDown, lastAttempt: lastAttempt! })).toContain('(DIAL_TIMEOUT)');
  });

  it('says that this node is too busy itself, where that was so lately', () => {
    const causeWith = (agoMs: number, names: NameExplanation[]) =>
      isolationOf({
        ...view,
        names: [self, ...names],
        loop: { lagMs: 0, blocks: 2, longestMs: 3_000, last: { forMs: 2_000, agoMs } },
        providers: [provider('dns:myapp', { names: ['a@1'] })],
      });
    const unreached = [unreachable('a@2', 'DIAL_TIMEOUT')];
    expect(causeWith(5_000, unreached)!.cause).toMatch(
      / The event loop of this node was blocked for 2\.0 s, 5\.0 s ago: it may be too busy to connect\.$/,
    );
    expect(causeWith(5_000, unreached)!.key).toBe(causeWith(70_000, unreached)!.key);
    expect(causeWith(70_000, unreached)!.cause).not.toContain('event loop');
    expect(causeWith(5_000, [])).toMatchObject({ isOrdinary: true });
  });

  it('tells of providers that find nothing, or fail', () => {
    const nothing = isolationOf({ ...view, providers: [provider('dns:myapp')] });
    expect(nothing).toMatchObject({ isOrdinary: false });
    expect(nothing!.cause).toBe(
      'No other node was found. dns:myapp gives no name: the name has no address: is it spelt right, is the service ' +
        'headless, has it pods or tasks?',
    );
    const failing = provider('dns:myapp', { state: 'failing', error: 'it timed out', failingForMs: 9_000 });
    expect(isolationOf({ ...view, providers: [failing] })!.cause).toBe(
      'No other node was found. dns:myapp has failed for 9.0 s: it timed out',
    );
  });

  it('is no news of a node that is the only one listed, or the only one on its machine', () => {
    const listed = isolationOf({
      ...view,
      names: [self],
      providers: [provider('dns:myapp', { names: ['a@1'] })],
    });
    expect(listed).toMatchObject({
      isOrdinary: true,
      cause: 'No other node was found. dns:myapp lists this node and no other.',
    });
    expect(isolationOf({ ...view, security: 'none', providers: [provider('local')] })).toMatchObject({
      isOrdinary: true,
    });
  });

  it('is nothing to tell where nobody was looked for, or the app wants it so', () => {
    expect(
      isolationOf({ ...view, names: [self], providers: [provider('self', { names: ['a@1'] })] }),
    ).toBeUndefined();
    const disconnected: NameExplanation = { ...self, name: 'a@2', state: 'disconnected' };
    expect(isolationOf({ ...view, names: [disconnected], providers: [provider('list')] })).toBeUndefined();
  });

  it('tells of a missing secret, and of callers that are refused', () => {
    const { cause } = isolationOf({
      ...view,
      security: 'none',
      listening: { host: '127.0.0.1', port: 4370 },
      refused: [{ address: '10.0.0.9:4000', code: 'WRONG_SECRET', message: 'Another secret.', agoMs: 2_000 }],
      providers: [provider('dns:myapp')],
    })!;
    expect(cause).toContain(
      'Without a secret this node listens on 127.0.0.1 only: no other machine can reach it.',
    );
    expect(cause).toContain('Who calls is refused, 10.0.0.9:4000 for one: Another secret. (WRONG_SECRET)');
  });
});

describe('a name that is listed and cannot be reached, while others can', () => {
  const providers = [provider('dns:myapp')];

  it('is told of once, after a while, and again when the cause changes', () => {
    const missing = new MissingNames();
    const look = (seconds: number, ...names: NameExplanation[]) =>
      missing.look({ names: [self, ...names], providers }, seconds * 1_000);
    expect(look(0, unreachable('a@2', 'DIAL_TIMEOUT'))).toBeUndefined();
    expect(look(20, unreachable('a@2', 'DIAL_TIMEOUT'), unreachable('a@3', 'DIAL_TIMEOUT'))).toBeUndefined();
    expect(look(38, unreachable('a@2', 'DIAL_TIMEOUT'), unreachable('a@3', 'DIAL_TIMEOUT'))).toBe(
      '1 name is listed by dns:myapp and cannot be reached, for 38.0 s now. Cannot connect to a@2: no answer. (DIAL_TIMEOUT)',
    );
    expect(look(40, unreachable('a@2', 'DIAL_TIMEOUT'))).toBeUndefined();
    expect(look(50, unreachable('a@2', 'CONNECTION_REFUSED'))).toContain('CONNECTION_REFUSED');
    // Two causes by turns are told once each.
    expect(look(55, unreachable('a@2', 'DIAL_TIMEOUT'))).toBeUndefined();
    expect(look(58, unreachable('a@2', 'CONNECTION_REFUSED'))).toBeUndefined();
    expect(look(60)).toBeUndefined();
    expect(look(70, unreachable('a@2', 'CONNECTION_REFUSED'))).toBeUndefined();
  });

  it('is told of anew when it was a peer in between, however shortly', () => {
    const missing = new MissingNames();
    const gone = { names: [unreachable('a@2', 'CONNECTION_REFUSED')], providers };
    missing.look(gone, 0);
    missing.found('a@2');
    expect(missing.look(gone, 31_000)).toBeUndefined();
    expect(missing.look(gone, 61_000)).toContain('for 30.0 s now');
  });

  it('is none when only other nodes told of it, or it leaves', () => {
    const missing = new MissingNames();
    const names = [
      { ...unreachable('a@2', 'DIAL_TIMEOUT'), foundBy: ['peers'] },
      unreachable('a@3', 'LEAVING'),
    ];
    missing.look({ names, providers }, 0);
    expect(missing.look({ names, providers }, 60_000)).toBeUndefined();
  });
});
