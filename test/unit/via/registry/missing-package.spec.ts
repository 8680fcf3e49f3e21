import { describe, expect, it } from 'vitest';
import { isMissing } from '../../../../lib/via/registry/missing-package.js';

const coded = (code: string, message: string) => Object.assign(new Error(message), { code });

describe('a package that could not be loaded', () => {
  it.each([
    [
      'import',
      'ERR_MODULE_NOT_FOUND',
      `Cannot find package 'ioredis' imported from /app/node_modules/x/y.js`,
    ],
    ['require', 'MODULE_NOT_FOUND', `Cannot find module 'ioredis'\nRequire stack:\n- /app/main.js`],
    ['a bundle', 'MODULE_NOT_FOUND', `Cannot find module 'ioredis'`],
    ['Jest', 'MODULE_NOT_FOUND', `Cannot find module 'ioredis' from 'node_modules/x/y.js'`],
    ['plug and play', 'MODULE_NOT_FOUND', 'Your application tried to access ioredis (a peer dependency); …'],
  ])('is missing, says %s', (_, code, message) => {
    expect(isMissing('ioredis', coded(code, message))).toBe(true);
  });

  it.each([
    [
      'a package of its own',
      coded(
        'ERR_MODULE_NOT_FOUND',
        `Cannot find package 'x' imported from /node_modules/ioredis/built/index.js`,
      ),
    ],
    [
      'a package of its own, by require',
      coded(
        'MODULE_NOT_FOUND',
        `Cannot find module 'ioredis-parts'\nRequire stack:\n- /node_modules/ioredis/a.js`,
      ),
    ],
    ['nothing', coded('ERR_DLOPEN_FAILED', `'ioredis' is for another machine`)],
    ['an error', 'ioredis'],
  ])('is there when it lacks %s', (_, error) => {
    expect(isMissing('ioredis', error)).toBe(false);
  });
});
