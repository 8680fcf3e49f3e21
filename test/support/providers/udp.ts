import type { Socket } from 'node:dgram';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

export const GROUP = '239.255.77.1';

/** A UDP port that was free a moment ago. */
export async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}

/** A stranger on the loopback interface: sends any bytes to the group, and sees what is sent there. */
export class Stranger {
  readonly seen: string[] = [];

  private constructor(
    private readonly listener: Socket,
    private readonly sender: Socket,
    private readonly port: number,
  ) {
    listener.on('message', (datagram) => this.seen.push(datagram.toString('latin1')));
  }

  static async join(port: number): Promise<Stranger> {
    const listener = createSocket({ type: 'udp4', reuseAddr: true });
    listener.bind(port, GROUP);
    await once(listener, 'listening');
    listener.addMembership(GROUP, '127.0.0.1');
    const sender = createSocket('udp4');
    sender.bind(0, '127.0.0.1');
    await once(sender, 'listening');
    sender.setMulticastInterface('127.0.0.1');
    return new Stranger(listener, sender, port);
  }

  send(datagram: string | Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.sender.send(datagram, this.port, GROUP, (error) => (error ? reject(error) : resolve()));
    });
  }

  leave(): void {
    this.listener.close();
    this.sender.close();
  }
}
