import { describe, expect, it } from 'vitest';
import { withoutPasswords } from '../../../../lib/cluster/view/without-passwords.js';

describe('a text for the dashboard', () => {
  it.each([
    ['redis://me:secret@h:6379 failed', 'redis://…@h:6379 failed'],
    ['postgres://token@h/db and redis://h', 'postgres://…@h/db and redis://h'],
    ['postgres://h:5432/db?password=secret&tls=true failed', 'postgres://h:5432/db?password=*** failed'],
    ['app@10.0.0.1:4370 is gone', 'app@10.0.0.1:4370 is gone'],
  ])('shows no user and no password of a URL: %s', (text, shown) => {
    expect(withoutPasswords(text)).toBe(shown);
  });
});
