import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PeerageError } from '../../../../lib/errors/peerage-error.js';
import { canonicalName } from '../../../../lib/naming/node-name.js';
import { parseNames } from '../../../../lib/via/file/file-names.js';

describe('the text of a file with names', () => {
  it.each<[string, string, string[]]>([
    ['nothing', '', []],
    ['one name a line', 'a@h\nb@h:1\n', ['a@h', 'b@h:1']],
    ['lines of Windows, and a byte order mark', '\uFEFFa@h\r\nb@h\r\n', ['a@h', 'b@h']],
    ['no end of the last line', 'a@h\nb@h', ['a@h', 'b@h']],
    ['comments, blanks and empty lines', '# peers\n\n  a@h  # the first\n\t# none\n', ['a@h']],
    ['a # within a name', 'a#1@h', ['a#1@h']],
    ['an empty array', ' [] ', []],
    ['an array', '\n["a@h", "b@[::1]:7"]\n', ['a@h', 'b@[::1]:7']],
  ])('may be %s', (_what, text, names) => {
    expect(parseNames(text)).toEqual(names);
  });

  it.each<[string, string, RegExp]>([
    ['half an array', '["a@h", "b@', /being written/],
    ['an object', '{"peers": ["a@h"]}', /no array/],
    ['an array of numbers', '["a@h", 7]', /item 1 .* no text/],
    ['a JSON text', '"a@h"', /no array/],
    ['in UTF-16', Buffer.from('\uFEFFa@h\r\n', 'utf16le').toString('utf8'), /no text in UTF-8/],
  ])('may not be %s', (_what, text, why) => {
    expect(() => parseNames(text)).toThrow(expect.objectContaining({ code: 'PROVIDER_FAILED' }));
    expect(() => parseNames(text)).toThrow(why);
  });

  const name = fc
    .tuple(fc.stringMatching(/^[a-z][a-z0-9_.-]{0,8}$/), fc.ipV4(), fc.integer({ min: 1, max: 65_535 }))
    .map(([app, host, port]) => canonicalName(`${app}@${host}:${port}`));

  it('gives back every name that was written, either way', () => {
    fc.assert(
      fc.property(fc.array(name), (names) => {
        expect(parseNames(names.join('\n'))).toEqual(names);
        expect(parseNames(JSON.stringify(names))).toEqual(names);
      }),
    );
  });

  it('is names or a PeerageError, whatever it is', () => {
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      fc.json().map((json) => json.slice(0, -1)),
    );
    const outcomeOf = (content: string): unknown => {
      try {
        return parseNames(content).every((one) => typeof one === 'string');
      } catch (error) {
        return error instanceof PeerageError && error.code === 'PROVIDER_FAILED';
      }
    };
    fc.assert(
      fc.property(text, (content) => {
        expect(outcomeOf(content)).toBe(true);
      }),
    );
  });
});
