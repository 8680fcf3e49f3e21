import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { appNameFromPackage, withoutScope } from '../../../lib/settings/app-name.js';

describe('the name of the app', () => {
  let root: string;
  const at = (...parts: string[]) => join(root, ...parts);

  function packageAt(directory: string, content: unknown): void {
    mkdirSync(directory, { recursive: true });
    writeFileSync(
      join(directory, 'package.json'),
      typeof content === 'string' ? content : JSON.stringify(content),
    );
  }

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'peerage-test-'));
    packageAt(at('shop'), { name: '@org/shop' });
    packageAt(at('shop', 'dist'), { type: 'module' });
    packageAt(at('shop', 'node_modules', 'runner'), { name: 'runner' });
    packageAt(at('other'), { name: 'other' });
    mkdirSync(at('bare'));
    packageAt(root, '{ broken');
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('is that of the package the main script belongs to, past a package.json without name', () => {
    expect(appNameFromPackage(at('shop', 'dist', 'main.js'), at('other'))).toBe('shop');
  });

  it('is that of the working directory when the script is a tool in node_modules', () => {
    expect(appNameFromPackage(at('shop', 'node_modules', 'runner', 'run.js'), at('other'))).toBe('other');
  });

  it('is that of the working directory when the script has no package', () => {
    expect(appNameFromPackage(at('bare', 'main.js'), at('shop', 'dist'))).toBe('shop');
  });

  it.each([
    [['dist', 'apps', 'api', 'main.js'], 'shop-api'],
    [['apps', 'api', 'src', 'main.ts'], 'shop-api'],
    [['dist', 'apps', 'main.js'], 'shop'],
    [['dist', 'api', 'main.js'], 'shop'],
  ])('has the folder of one of several apps that share a package: %j is %s', (path, name) => {
    expect(appNameFromPackage(at('shop', ...path), at('other'))).toBe(name);
  });

  it('is that of the package when each app has one', () => {
    packageAt(at('shop', 'apps', 'api'), { name: '@org/api' });
    expect(appNameFromPackage(at('shop', 'apps', 'api', 'dist', 'main.js'), at('other'))).toBe('api');
  });

  it('loses its scope', () => {
    expect(withoutScope('@org/shop')).toBe('shop');
    expect(withoutScope('shop')).toBe('shop');
  });
});
