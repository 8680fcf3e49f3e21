import { describe, expect, it, vi } from 'vitest';
import type { PollContext, PollFunction } from '../../../lib/via/provider.js';
import { isProviderClass, viaFunction } from '../../../lib/via/via-function.js';
import { viaList } from '../../../lib/via/via-list.js';
import { viaSelf } from '../../../lib/via/via-self.js';

const context = { self: { name: 'me@127.0.0.1' }, signal: new AbortController().signal } as PollContext;

describe('viaSelf', () => {
  it('finds the node itself', () => {
    expect(viaSelf().poll(context)).toEqual(['me@127.0.0.1']);
  });
});

describe('viaList', () => {
  it('gives canonical names, each once', () => {
    const provider = viaList(['a@127.0.0.1:4370', 'a@127.0.0.1', 'b@HOST:5', 'c@[FD00::1]:6']);
    expect(provider.poll(context)).toEqual(['a@127.0.0.1', 'b@host:5', 'c@[fd00::1]:6']);
  });

  it('may be empty', () => {
    expect(viaList([]).poll(context)).toEqual([]);
  });

  it('names every malformed entry at once', () => {
    const make = () => viaList(['noat', 'fine@host', 'a@b@c']);
    expect(make).toThrow(expect.objectContaining({ code: 'INVALID_NAME' }));
    expect(make).toThrow(/"noat".*"a@b@c"/);
    expect(make).not.toThrow(/fine@host/);
  });

  it('refuses what is no array', () => {
    expect(() => viaList('a@b' as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
  });
});

describe('viaFunction', () => {
  it('passes context and answer through', async () => {
    const poll = vi.fn<PollFunction>(async () => ['a@b']);
    expect(await viaFunction(poll).poll(context)).toEqual(['a@b']);
    expect(poll).toHaveBeenCalledWith(context);
  });

  it('has the name that the function was given', () => {
    const options = { via: () => [] };
    expect(viaFunction(options.via).name).toBe('function');
    expect(viaFunction(() => []).name).toBe('function');
    expect(
      viaFunction(function consul() {
        return [];
      }).name,
    ).toBe('consul');
  });
});

describe('isProviderClass', () => {
  class Modern {
    poll(): string[] {
      return [];
    }
  }
  class Inherits extends Modern {}
  function Old(): void {}
  (Old as unknown as typeof Modern).prototype.poll = () => [];

  it.each([Modern, Inherits, Old as never, class {} as never])('takes %s for a class', (via) => {
    expect(isProviderClass(via)).toBe(true);
  });

  it.each([
    () => [],
    async () => [],
    function classify() {
      return [];
    },
    function bound(this: string[]) {
      return this;
    }.bind([]),
    vi.fn<PollFunction>(() => []),
    new Modern(),
    viaSelf(),
  ])('takes %s for none', (via) => {
    expect(isProviderClass(via)).toBe(false);
  });
});
