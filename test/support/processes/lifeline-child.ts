import { spawn } from 'node:child_process';
import { endWithThisProcess } from './lifeline.js';

/** `<folder>`: starts something that would go on for ever, says its process id, and waits. */
export async function main([folder = '']: string[]): Promise<void> {
  const server = spawn('sleep', ['600'], { stdio: 'ignore', detached: true });
  endWithThisProcess(server, folder);
  process.stdout.write(`${server.pid}\n`);
  await new Promise((resolve) => server.once('exit', resolve));
}
