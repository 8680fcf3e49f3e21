import { getEventListeners } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { onAbort } from '../../../lib/time/abortable.js';

describe('waiting for one signal', () => {
  it('is done by onAbort alone: a node with 30 names dials them under one signal, and nobody is warned', () => {
    const files = readdirSync('lib', { recursive: true, encoding: 'utf8' }).filter(
      (path) => path.endsWith('.ts') && !path.endsWith('abortable.ts'),
    );
    expect(files.length).toBeGreaterThan(100);
    const others = files.filter((path) => readFileSync(`lib/${path}`, 'utf8').includes("Listener('abort'"));
    expect(others).toEqual([]);
  });

  it('takes one listener of it, however many wait, and none when nobody does', () => {
    const { signal } = new AbortController();
    const ends = Array.from({ length: 20 }, () => onAbort(signal, () => {}));
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    for (const end of ends) end();
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    const end = onAbort(signal, () => {});
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    end();
  });

  it('calls everybody who still waits, each once, also who waits twice', () => {
    const aborter = new AbortController();
    const heard: string[] = [];
    const twice = () => void heard.push('twice');
    onAbort(aborter.signal, twice);
    onAbort(aborter.signal, twice);
    const leave = onAbort(aborter.signal, () => void heard.push('left before'));
    onAbort(aborter.signal, () => leaveOther());
    const leaveOther = onAbort(aborter.signal, () => void heard.push('left meanwhile'));
    leave();
    aborter.abort();
    expect(heard).toEqual(['twice', 'twice']);
  });
});
