import { connect } from 'node:tls';
import { createTcpTransport } from '../../lib/mesh/tcp-transport.js';
import { DEFAULT_LIMITS } from '../../lib/peerage.options.js';

/**
 * `<port> <secret>`: dials an impostor's TLS server, in a process that trusts its certificate. Prints what a
 * careless client with a key would see, and what ours does.
 */
export async function main([port = '', secret = '']: string[]): Promise<void> {
  const transport = createTcpTransport({
    port: 0,
    portIsFixed: false,
    security: { kind: 'secret', secrets: [secret] },
    cluster: 'test',
    limits: DEFAULT_LIMITS,
  });
  const careless = await dialCarelessly(Number(port));
  const ours = await transport.dial('localhost', Number(port), new AbortController().signal).then(
    () => 'accepted',
    (error: { code: string }) => error.code,
  );
  await transport.close();
  process.stdout.write(JSON.stringify({ careless, ours }));
}

function dialCarelessly(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({
      host: 'localhost',
      port,
      minVersion: 'TLSv1.3',
      pskCallback: () => ({ psk: Buffer.alloc(32, 1), identity: 'careless' }),
    });
    socket.once('error', (error) => resolve(error.message));
    socket.once('secureConnect', () => {
      resolve('accepted');
      socket.destroy();
    });
  });
}
