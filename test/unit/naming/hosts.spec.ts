import { describe, expect, it } from 'vitest';
import { isLoopback, isWildcard } from '../../../lib/naming/hosts.js';

describe('hosts', () => {
  it.each(['127.0.0.1', '127.9.9.9', 'localhost', 'LOCALHOST', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1'])(
    '%s is reached from this machine only',
    (host) => expect(isLoopback(host)).toBe(true),
  );

  it.each(['0.0.0.0', '::', '10.0.0.1', '127.example.com', '::2', '::10', 'localhost.example.com'])(
    '%s may be reached from others',
    (host) => expect(isLoopback(host)).toBe(false),
  );

  it.each(['0.0.0.0', '::', '0:0:0:0:0:0:0:0'])('%s is every address', (host) =>
    expect(isWildcard(host)).toBe(true),
  );

  it.each(['::1', '10.0.0.0', 'host'])('%s is one address', (host) => expect(isWildcard(host)).toBe(false));
});
