import { describe, expect, it } from 'vitest';
import { UdpEchoes } from '../../../../lib/via/udp/udp-echoes.js';

const [A, B] = ['10.0.0.1', '10.0.1.1'] as const;

describe('UdpEchoes', () => {
  it('doubts what it has not heard yet, and tells it after three times', () => {
    const echoes = new UdpEchoes();
    expect(echoes.isDoubtful).toBe(true);
    for (let times = 1; times <= 2; times += 1) {
      echoes.announced([A, B]);
      echoes.heard(B);
      expect(echoes).toMatchObject({ isDoubtful: true, unheard: [] });
    }
    echoes.announced([A, B]);
    echoes.heard(B);
    expect(echoes).toMatchObject({ isDoubtful: false, unheard: [A] });
    echoes.heard(A);
    expect(echoes).toMatchObject({ isDoubtful: false, unheard: [] });
  });

  it('forgets an address that is not announced from any more, and takes no other one for its own', () => {
    const echoes = new UdpEchoes();
    for (let times = 1; times <= 3; times += 1) echoes.announced([A]);
    echoes.heard(B);
    expect(echoes.unheard).toEqual([A]);
    echoes.announced([B]);
    expect(echoes.unheard).toEqual([]);
  });
});
