/** What handlers, getters and providers may throw, and what the obvious ways to describe it stumble over. */
export const ODD_THROWN: readonly (readonly [what: string, make: () => unknown])[] = [
  ['undefined', () => undefined],
  ['null', () => null],
  ['a text', () => 'no\n  luck'],
  ['a symbol', () => Symbol('s')],
  ['a big integer', () => 5n],
  ['a function', () => () => {}],
  ['an object without a prototype', () => Object.create(null) as unknown],
  ['a plain object', () => ({ status: 404, fn() {} })],
  ['an object whose toString throws', () => ({ toString: thrower, [Symbol.toPrimitive]: thrower })],
  [
    'an object that throws when it is inspected',
    () => ({ [Symbol.for('nodejs.util.inspect.custom')]: thrower }),
  ],
  ['a revoked proxy', revoked],
  ['a proxy that throws at every touch', hedgehog],
  ['an error whose message throws', () => Object.defineProperty(new Error('x'), 'message', { get: thrower })],
  [
    'an error whose parts are no texts',
    () =>
      Object.assign(new Error('x'), {
        name: {},
        message: Object.create(null) as unknown,
        code: {},
        stack: 1,
      }),
  ],
  ['an error without a message', () => new RangeError()],
  ['an error with a very long message', () => new Error('x y '.repeat(200_000))],
  ['a proxy around an error', () => new Proxy(new Error('behind'), {})],
];

function thrower(): never {
  throw new Error('not like that');
}

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function hedgehog(): unknown {
  const touch = new Proxy({}, { get: () => thrower });
  return new Proxy({}, touch);
}
