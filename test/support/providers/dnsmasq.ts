import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endWithThisProcess } from '../processes/lifeline.js';
import { isRoot, pathOf } from '../requirements.mjs';

export interface Dnsmasq {
  /** As the `nameservers` option takes it. */
  readonly address: string;
  /** Takes questions and answers none, until `thaw`. */
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

interface DnsmasqOptions {
  readonly namespace?: string;
  /** @default 127.0.0.1 */
  readonly at?: string;
  /** @default a free one */
  readonly port?: number;
}

/** Starts dnsmasq with these lines of configuration; it knows nothing else. */
export async function startDnsmasq(
  lines: readonly string[],
  { namespace, at = '127.0.0.1', port }: DnsmasqOptions = {},
): Promise<Dnsmasq> {
  const ownPort = port ?? (await freePort());
  const folder = mkdtempSync(join(tmpdir(), 'via-dnsmasq-'));
  const base = ['no-resolv', 'no-hosts', 'bind-interfaces', `listen-address=${at}`, `port=${ownPort}`];
  const user = isRoot ? ['user=root'] : [];
  writeFileSync(join(folder, 'dnsmasq.conf'), `${[...base, ...user, ...lines].join('\n')}\n`);
  const program = [
    pathOf('dnsmasq')!,
    '--keep-in-foreground',
    '--pid-file',
    '--log-facility=-',
    `--conf-file=${folder}/dnsmasq.conf`,
  ];
  const [command = '', ...args] =
    namespace === undefined ? program : ['ip', 'netns', 'exec', namespace, ...program];
  const server = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  endWithThisProcess(server, folder);
  const ended = new Promise<void>((resolve) => server.once('close', () => resolve()));
  const stop = async (): Promise<void> => {
    server.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await new Promise<void>((resolve, reject) => {
      let log = '';
      server.stderr.on('data', (text: Buffer) => {
        log += text.toString();
        if (/started, version/.test(log)) resolve();
      });
      server.once('close', () => reject(new Error(`dnsmasq ended: ${log}`)));
      server.once('error', reject);
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    address: `${at}:${ownPort}`,
    freeze: () => void server.kill('SIGSTOP'),
    thaw: () => void server.kill('SIGCONT'),
    stop,
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
