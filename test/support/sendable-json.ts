import fc from 'fast-check';

/** JSON without the key `__proto__`, which messages refuse and fast-check likes to try. */
export const sendableJson = fc.jsonValue().filter((value) => !JSON.stringify(value).includes('"__proto__":'));
