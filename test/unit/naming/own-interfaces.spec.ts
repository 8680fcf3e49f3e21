import { describe, expect, it } from 'vitest';
import { ownInterfaces } from '../../../lib/naming/own-interfaces.js';

describe('the interfaces of this machine', () => {
  it('are what they were when the system gives no list', () => {
    const now = ownInterfaces(() => ({ eth0: [] }));
    const denied = (): never => {
      throw new Error('uv_interface_addresses returned Unknown system error 24');
    };
    expect(ownInterfaces(denied)).toEqual(now);
    expect(ownInterfaces(() => ({ eth1: [] }))).toEqual({ eth1: [] });
  });
});
