import { beforeEach, describe, expect, it } from 'vitest';
import {
  PendingHandshakes,
  type PendingConnection,
} from '../../../../../lib/mesh/transport/tcp/pending-handshakes.js';

describe('PendingHandshakes', () => {
  let evicted: string[];
  let pending: PendingHandshakes<PendingConnection>;
  const caller = (name: string, stage: PendingConnection['stage']) => ({
    stage,
    evict: () => void evicted.push(name),
  });

  beforeEach(() => {
    evicted = [];
    pending = new PendingHandshakes(2);
  });

  it('lets the oldest silent caller make room', () => {
    pending.admit(caller('speaking', 'speaking'));
    pending.admit(caller('silent', 'silent'));
    expect(pending.admit(caller('new', 'silent'))).toBe(true);
    expect(evicted).toEqual(['silent']);
    expect(pending.size).toBe(2);
  });

  it('lets the oldest that speaks make room when none is silent', () => {
    pending.admit(caller('first', 'speaking'));
    pending.admit(caller('second', 'speaking'));
    expect(pending.admit(caller('third', 'silent'))).toBe(true);
    expect(evicted).toEqual(['first']);
  });

  it('keeps those who have proved who they are', () => {
    const proved = caller('first', 'proved');
    pending.admit(proved);
    pending.admit(caller('second', 'proved'));
    expect(pending.admit(caller('third', 'silent'))).toBe(false);
    expect(evicted).toEqual([]);
    pending.settled(proved);
    expect(pending.admit(caller('third', 'silent'))).toBe(true);
  });
});
