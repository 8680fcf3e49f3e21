import { describe, expect, it } from 'vitest';
import type { Registry, RegistryEntry, RegistryListener } from '../../../../lib/via/registry/registry.js';
import { RegistrySession } from '../../../../lib/via/registry/registry-session.js';
import { hangingOn } from '../../../support/processes/signal-load.js';

const self = { name: 'app@10.0.0.9', port: 4_370, host: '10.0.0.9', bootId: '', meta: {} };

/** A store whose answers are scripted. */
class FakeRegistry implements Registry {
  registrations = 0;
  reads = 0;
  held: RegistryEntry[] = [];
  listener: RegistryListener | undefined;
  listenError: Error | undefined;

  constructor(private readonly onRegister: (nth: number) => void = () => {}) {}

  async register(): Promise<void> {
    this.onRegister((this.registrations += 1));
  }

  async entries(): Promise<RegistryEntry[]> {
    this.reads += 1;
    return this.held;
  }

  async leave(): Promise<void> {}

  listen(_self: unknown, signal: AbortSignal, on: RegistryListener): Promise<void> {
    if (this.listenError) return Promise.reject(this.listenError);
    this.listener = on;
    on.listening();
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  }

  async close(): Promise<void> {}
}

interface Run {
  readonly end: () => Promise<string>;
  readonly signal: AbortSignal;
  /** Names that were handed over; `[]`: it works. */
  readonly found: string[][];
  readonly warnings: string[];
}

function run(registry: Registry, ttlMs = 30): Run {
  const aborter = new AbortController();
  const { signal } = aborter;
  const found: string[][] = [];
  const warnings: string[] = [];
  const context = {
    self,
    signal,
    found: (names: Iterable<string>) => void found.push([...names]),
    warn: (message: string) => void warnings.push(message),
  };
  const ended = new RegistrySession(registry, context, ttlMs).run().then(
    () => 'ended',
    (error: unknown) => String(error),
  );
  return {
    signal,
    found,
    warnings,
    end: () => {
      aborter.abort();
      return ended;
    },
  };
}

describe('RegistrySession', () => {
  it('leaves nothing on its signal, however often it refreshes', async () => {
    const registry = new FakeRegistry();
    const { end, signal } = run(registry);
    await expect.poll(() => registry.registrations).toBeGreaterThan(2);
    const early = hangingOn(signal);
    await expect.poll(() => registry.registrations, { timeout: 5_000 }).toBeGreaterThan(50);
    expect(hangingOn(signal)).toBeLessThanOrEqual(early + 1);
    expect(await end()).toBe('ended');
    expect(hangingOn(signal)).toBe(0);
  });

  it('takes a store that came back between write and read for one that was down', async () => {
    const registry = new FakeRegistry((nth) => {
      if (nth === 1) throw new Error('not yet there');
    });
    const { end } = run(registry);
    await expect.poll(() => registry.registrations).toBeGreaterThan(2);
    expect(await end()).toBe('ended');
  });

  it('rejects when the store can be read, but not written to', async () => {
    const registry = new FakeRegistry(() => {
      throw new Error('no right to write');
    });
    const { end } = run(registry);
    await expect.poll(() => registry.registrations).toBe(2);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await end()).toBe('Error: no right to write');
    expect(registry.registrations).toBe(2);
  });

  it('says that it works as soon as it does, and once', async () => {
    let isDown = true;
    const registry = new FakeRegistry(() => {
      if (isDown) throw new Error('not yet there');
    });
    registry.entries = async () => {
      if (isDown) throw new Error('not yet there');
      return [];
    };
    const { end, found } = run(registry);
    await expect.poll(() => registry.registrations).toBe(1);
    expect(found).toEqual([]);
    isDown = false;
    await expect.poll(() => found, { timeout: 5_000 }).toEqual([[]]);
    await expect.poll(() => registry.registrations).toBeGreaterThan(4);
    expect(found).toEqual([[]]);
    expect(await end()).toBe('ended');
  });

  it('takes names from the store alone, whatever notifications say', async () => {
    const registry = new FakeRegistry();
    const { end, found } = run(registry, 1_000_000);
    await expect.poll(() => registry.reads).toBe(1);
    registry.held = [{ name: 'app@10.0.0.1', bootId: 'a' }];
    registry.listener?.changed();
    await expect.poll(() => found).toEqual([[], ['app@10.0.0.1']]);
    expect(await end()).toBe('ended');
  });

  it('hands over a process that was started again at its old name', async () => {
    const registry = new FakeRegistry();
    registry.held = [{ name: 'app@10.0.0.1', bootId: 'a' }];
    const { end, found } = run(registry, 1_000_000);
    await expect.poll(() => found).toEqual([['app@10.0.0.1'], []]);
    registry.held = [{ name: 'app@10.0.0.1', bootId: 'b' }];
    registry.listener?.changed();
    await expect.poll(() => found).toEqual([['app@10.0.0.1'], [], ['app@10.0.0.1']]);
    expect(await end()).toBe('ended');
  });

  it('reads once or twice for many notifications at once', async () => {
    const registry = new FakeRegistry();
    const { end } = run(registry, 1_000_000);
    await expect.poll(() => registry.reads).toBe(1);
    const before = registry.reads;
    for (let i = 0; i < 1_000; i++) registry.listener?.changed();
    await expect.poll(() => registry.reads).toBe(before + 2);
    expect(await end()).toBe('ended');
    expect(registry.reads).toBe(before + 2);
  });

  it('says why it is not notified, when the store itself can be read', async () => {
    const registry = new FakeRegistry();
    registry.listenError = new Error('NOPERM this user has no permissions to access the channel');
    const { end, warnings } = run(registry);
    await expect.poll(() => warnings[0], { timeout: 10_000 }).toMatch(/not notified.*NOPERM/);
    expect(await end()).toBe('ended');
  });
});
