import { inspect } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCommand } from '../../../../lib/cli/command.js';
import { viaPostgres } from '../../../../lib/via/postgres/via-postgres.js';
import { viaRedis } from '../../../../lib/via/redis/via-redis.js';
import { parseViaUrl, parseViaUrls } from '../../../../lib/via/url/via-url.js';
import { withoutPassword } from '../../../../lib/via/url/without-password.js';

const readers: Readonly<Record<string, (text: string) => unknown>> = {
  parseViaUrl,
  parseViaUrls,
  viaRedis: (url) => viaRedis({ url }),
  viaPostgres: (url) => viaPostgres({ url }),
  discover: (url) => readCommand(['discover', url], {}),
  'discover of PEERAGE_VIA': (text) => readCommand(['discover'], { PEERAGE_VIA: text }),
};

/** Everything that an error of this reader shows, with its causes. */
async function shownBy(reader: string, text: string): Promise<string> {
  try {
    await readers[reader]!(text);
    return '';
  } catch (error) {
    return inspect(error, { depth: 10 }).replace(/\n\s+at .*/g, '');
  }
}

describe('an error about a URL', () => {
  // Each word of the password begins with these two letters, and nothing else does.
  const word = fc.stringMatching(/^Zq[a-y]{4}\d$/);
  const separators = fc.constantFrom(
    ...Array.from('@/?#:,;%&= \\"\'[]+$!*|{}^~<>é\n\t'),
    ...[
      '%zz',
      '//',
      '%0a',
      '%25',
      '%C3%A4',
      '${X}',
      '$(X)',
      'redis:',
      '?x=',
      '@@',
      ',@',
      ';@',
      '@,',
      '/@',
      ' @ ',
    ],
  );
  const password = fc
    .tuple(fc.option(separators, { nil: '' }), fc.array(fc.tuple(word, separators), { maxLength: 3 }), word)
    .map(([first, middle, last]) => `${first}${middle.flat().join('')}${last}`);
  const written = fc.tuple(password, fc.constantFrom(String, encodeURI, encodeURIComponent));
  const before = fc.constantFrom(
    ...[
      'redis://:',
      'redis://user:',
      'redis:user:',
      'redis:/user:',
      'redis:///u:',
      'redis//u:',
      'redis:\\\\u:',
    ],
    ...[
      'REDIS://u:',
      ' redis://u:',
      'redis://',
      '"redis://u:',
      "'postgres://u:",
      'redis;//u:',
      'redis://a@corp:',
    ],
    ...['rediss://u:', 'reddis://u:', 'postgres://u:', 'postgres:u:', 'postgre://u:', 'pg://u:', 'u:'],
    ...['self:,redis://u:', 'dns:a,postgres://u:', 'redis://h,redis://u:', 'dns://u:', 'kubernetes://u:'],
    ...['list:a@127.0.0.1;redis://u:', 'list:a@127.0.0.1,redis://u:', 'redis://h;redis://u:'],
    ...[
      'REDIS_URL=redis://u:',
      'jdbc:postgresql://u:',
      'mongodb+srv://u:',
      'redis+tls://u:',
      'redis-tls://u:',
    ],
  );
  const after = fc.constantFrom(
    ...['@host', '@host:6379', '@host/0', '@host/db', '@host:99999', '@host/db?sslmod=1', '@h?kee=x,self:'],
    ...['@h,redis://v:x@h?no=1', '@h;redis://h', '@h?port=no,foo'],
  );

  it.each(Object.keys(readers))(
    'of %s shows no piece of the password, wherever it stands',
    async (reader) => {
      await fc.assert(
        fc.asyncProperty(before, written, after, async (start, [secret, write], end) => {
          expect(await shownBy(reader, `${start}${write(secret)}${end}`)).not.toMatch(/zq/i);
        }),
        { numRuns: 1_500 },
      );
    },
  );

  it.each([
    'redis:///app:KätzcheZq@localhost',
    'redis://u:PwéZqx@host?kee=1',
    'postgre://u:Zqcewhk65@Zqsajqx26,Zqjxkbk60@host',
    'list:a@127.0.0.1;redis://u:Zqpassword@host',
    'postgres://u@h/db?password=Zqone&Zqtwo',
    'redis://u:12,Zqone,Zqtwo@host',
  ])('shows nothing of the password in %s', async (text) => {
    for (const reader of Object.keys(readers)) expect(await shownBy(reader, text)).not.toMatch(/zq|tzche/i);
  });

  it.each([
    ['redis://me:x@h?kee=x', '"redis://***@h?kee=x" names no provider: it has no parameter kee'],
    ['postgres:u:pw@h/db?table=a-b', '"postgres:***@h/db?table=a-b" names no provider: viaPostgres(): table'],
    ['self:,redis://:a/b@h', '"redis:…" (entry 2 of 2) names no provider: what is wrong'],
    ['redis://u:12/a,b,c@h,foo', '"redis:…" (entry 1 of 4)'],
    ['redis://u:12/a,b,c@h,foo', '"…" (entry 3 of 4) names no provider: node names go into list:'],
    ['redis://u:12/a,b,c@h,foo', '"foo" (entry 4 of 4) names no provider: its scheme'],
    ['redi://u:x@h', '"redi:…" names no provider: its scheme is unknown'],
    ['list:a@h:1;noat', '"list:a@h:1;noat" names'],
    ['list:a@h;redis://u:x@h', '"list:…" names no provider: one of its parts is no node name'],
    ['redis://u:x@h,redis://$(HOST):1', '"redis://$(HOST):1" (entry 2 of 2) names no provider: a variable'],
  ])('says which one is meant, and what is wrong: %s', (text, said) => {
    expect(() => parseViaUrls(text)).toThrow(said);
  });
});

describe('a URL that is printed', () => {
  it.each([
    ['redis://:hunter2@h:1', 'redis://***@h:1'],
    ['postgres://me:hunter2@h/db', 'postgres://***@h/db'],
    ['postgres://me@h/db?password=a&b=c', 'postgres://***@h/db?password=***'],
    ['redis://[::1]:6379/0', 'redis://[::1]:6379/0'],
    ['redis://me:hun/ter@h', 'redis:…'],
    ['redis://me:hunter', 'redis:…'],
    ['u:PW@h', '…'],
    ['dns:myapp?nameservers=10.0.0.1:53;[::1]:53', 'dns:myapp?nameservers=10.0.0.1:53;[::1]:53'],
    ['list:a@10.0.0.1:4370;b@[::1]:4371', 'list:a@10.0.0.1:4370;b@[::1]:4371'],
  ])('%s has no password', (url, shown) => {
    expect(withoutPassword(url)).toBe(shown);
  });
});
