import { describe, expect, it } from 'vitest';
import { PeerageError, RemoteError } from '../../../lib/index.js';
import { type Circumstances, codeOf, judge } from '../../soak/outcomes.js';

const after = (tookMs: number, more: Partial<Circumstances> = {}): Circumstances => ({
  tookMs,
  timeoutMs: 1_000,
  isClosing: false,
  ...more,
});
const coded = (code: PeerageError['code']): PeerageError => new PeerageError(code, 'so it is');
const remote = (message: string): RemoteError =>
  new RemoteError(message, { node: 'a@b', remoteName: 'Error' });

describe('how messages may end', () => {
  it.each([
    ['an answer', 'echo', undefined],
    ['a peer that goes down', 'echo', coded('PEER_GONE')],
    ['a full queue', 'send', coded('OVERLOADED')],
    ['a time limit, when it is over', 'never', coded('REQUEST_TIMEOUT')],
    ['nobody who handles it', 'nobody', coded('NO_HANDLER')],
  ] as const)('with %s', (_what, kind, error) => {
    expect(judge(kind, error, after(1_000))).toBeUndefined();
  });

  it.each([
    ['an answer where nobody answers', 'never', undefined],
    ['an answer where nobody handles it', 'nobody', undefined],
    ['an answer where the handler throws', 'throws', undefined],
    ['an error of another kind', 'echo', coded('NO_HANDLER')],
    ['an error of the handler that did not throw', 'echo', remote('so it is')],
    ['the end of the node, which goes on', 'echo', coded('NOT_RUNNING')],
    ['a lost connection, which a short request survives', 'slow', coded('CONNECTION_LOST')],
    ['a length that everybody takes', 'send', coded('INVALID_MESSAGE')],
    ['an error without a code', 'echo', new TypeError('x is not a function')],
    ['an error of another library', 'echo', Object.assign(new Error('hm'), { code: 'PEER_GONE' })],
    ['an abort that nobody asked for', 'aborted', coded('ABORTED')],
  ] as const)('not with %s', (_what, kind, error) => {
    expect(judge(kind, error, after(1_000))).toContain(kind);
  });

  it('not with a time limit that is not over', () => {
    expect(judge('echo', coded('REQUEST_TIMEOUT'), after(700))).toContain('700 ms');
  });

  it('with an abort that was asked for', () => {
    expect(judge('aborted', coded('ABORTED'), after(5, { signal: AbortSignal.abort() }))).toBeUndefined();
    expect(
      judge('aborted', coded('ABORTED'), after(5, { signal: new AbortController().signal })),
    ).toBeDefined();
  });

  it('only with the error that the handler threw for this very message', () => {
    const throws = 'message 7 is refused';
    expect(judge('throws', remote(throws), after(5, { throws }))).toBeUndefined();
    expect(judge('throws', remote('message 8 is refused'), after(5, { throws }))).toContain('message 7');
    expect(judge('throws', coded('REMOTE_ERROR'), after(5, { throws }))).toContain('no RemoteError');
  });

  it('with the end of the node, when it ends', () => {
    expect(judge('echo', coded('NOT_RUNNING'), after(5, { isClosing: true }))).toBeUndefined();
    expect(judge('send', coded('INVALID_MESSAGE'), after(5, { isLong: true }))).toBeUndefined();
  });

  it('never without an answer of a peer that shut down in order', () => {
    const left = new PeerageError('PEER_GONE', 'a@b went down (left) before it answered the request "t".');
    expect(judge('echo', left, after(5))).toContain('(left)');
    expect(judge('slow', left, after(5, { isClosing: true }))).toContain('(left)');
    expect(judge('never', left, after(5))).toBeUndefined();
    expect(judge('echo', left, after(5, { stoodStill: true }))).toBeUndefined();
    const crashed = new PeerageError(
      'PEER_GONE',
      'a@b went down (closed) before it answered the request "t".',
    );
    expect(judge('echo', crashed, after(5))).toBeUndefined();
  });

  it('are counted by code', () => {
    expect([undefined, coded('OVERLOADED'), new Error('x')].map(codeOf)).toEqual([
      'ok',
      'OVERLOADED',
      'UNKNOWN',
    ]);
  });
});
