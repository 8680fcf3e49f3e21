import type { Socket } from 'node:dgram';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { platform } from 'node:process';
import { codeOf } from '../../errors/thrown.js';
import type { UdpInterface } from './udp-interfaces.js';
import type { UdpSettings } from './udp-options.js';

/** Room for the burst in which a large cluster answers a newcomer; the system may grant less. */
const RECEIVE_BUFFER_BYTES = 1024 * 1024;

/** Opens the shared port and joins the group on every interface. Rejects when it can hear nobody. */
export async function openReceiver(
  settings: UdpSettings,
  interfaces: readonly UdpInterface[],
): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true }).on('error', ignore);
  try {
    // Workers of `node:cluster` would otherwise share one socket, and only one of them would hear.
    socket.bind({ port: settings.port, address: bindAddress(settings), exclusive: true });
    await once(socket, 'listening');
    joinGroup(socket, settings, interfaces);
    enlargeBuffer(socket);
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}

/**
 * Joins the group on every interface, again where it is a member: an interface that was removed and came
 * back with its old address has forgotten us.
 *
 * @returns the addresses that were one too many for the system
 * @throws the last error, when no interface could be joined.
 */
export function joinGroup(
  socket: Socket,
  settings: UdpSettings,
  interfaces: readonly UdpInterface[],
): string[] {
  if (settings.broadcast) return [];
  const tooMany: string[] = [];
  let joined = 0;
  let failure: unknown = new Error('no IPv4 interface is up, and viaUdp() speaks IPv4 only');
  for (const { address } of interfaces) {
    try {
      socket.addMembership(settings.multicastAddr, address);
      joined += 1;
    } catch (error) {
      if (isAlreadyMember(error)) joined += 1;
      else failure = error;
      if (codeOf(error) === 'ENOBUFS') tooMany.push(address);
    }
  }
  if (joined === 0) throw failure;
  return tooMany;
}

/** Sends one datagram out of one interface, from a socket of its own: interfaces come and go. */
export async function sendFrom(
  { address, broadcastAddress }: UdpInterface,
  settings: UdpSettings,
  datagram: Buffer,
): Promise<void> {
  const socket = createSocket('udp4').on('error', ignore);
  try {
    socket.bind({ port: 0, address, exclusive: true });
    await once(socket, 'listening');
    if (settings.broadcast) socket.setBroadcast(true);
    else setMulticast(socket, address, settings.ttl);
    await send(
      socket,
      datagram,
      settings.port,
      settings.broadcast ? broadcastAddress : settings.multicastAddr,
    );
  } finally {
    socket.close();
  }
}

/** Whoever waits for the socket is told; an error that comes in between must not end the process. */
function ignore(): void {}

function setMulticast(socket: Socket, address: string, ttl: number): void {
  socket.setMulticastInterface(address);
  socket.setMulticastTTL(ttl);
  socket.setMulticastLoopback(true);
}

function send(socket: Socket, datagram: Buffer, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(datagram, port, address, (error) => (error ? reject(error) : resolve()));
  });
}

/** Bound to the group itself, a socket hears nothing of other groups on its port. Windows cannot do that. */
function bindAddress({ broadcast, multicastAddr }: UdpSettings): string {
  return broadcast || platform === 'win32' ? '0.0.0.0' : multicastAddr;
}

function enlargeBuffer(socket: Socket): void {
  try {
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
  } catch {
    // What the system gave is what there is.
  }
}

function isAlreadyMember(error: unknown): boolean {
  return codeOf(error) === 'EADDRINUSE';
}
