import fc from 'fast-check';

/** Any text that JavaScript has, also cut within a character. */
export const oddText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(fc.oneof(fc.integer({ min: 0xd800, max: 0xdfff }), fc.integer({ min: 0, max: 0xffff })))
    .map((units) => String.fromCharCode(...units)),
  fc.constantFrom('__proto__', 'constructor', 'toJSON', '', '\0'),
);

/** Any value that JSON has, with such texts and keys. */
export const oddJson = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.double(),
    fc.integer(),
    oddText,
    tie('list'),
    tie('object'),
  ),
  list: fc.array(tie('value'), { maxLength: 4 }),
  object: fc
    .array(fc.tuple(oddText, tie('value')), { maxLength: 4 })
    // As JSON.parse makes them: `__proto__` is a key as any other.
    .map((fields) => {
      const object = {};
      for (const [key, value] of fields)
        Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
      return object;
    }),
})).value;
