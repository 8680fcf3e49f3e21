import { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { TcpListener } from '../../../../../lib/mesh/transport/tcp/tcp-listener.js';
import { settings } from '../../../../support/peerage-settings.js';
import { VirtualClock } from '../../../../support/virtual-clock.js';

it('nobody is told of a connection that was reset before it was looked at', () => {
  const { limits } = settings();
  const clock = new VirtualClock();
  const listener = new TcpListener({ clock, options: { limits } } as never);
  const refused: unknown[] = [];
  listener.acceptor = { accepted: () => {}, refused: (...what) => void refused.push(what) };
  const socket = new Socket();
  listener['onConnection'](socket);
  expect(socket.destroyed).toBe(true);
  clock.advance(2 * limits.handshakeMs);
  expect(refused).toEqual([]);
});
