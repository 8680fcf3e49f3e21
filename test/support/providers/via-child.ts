import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { parseNodeName } from '../../../lib/naming/node-name.js';
import type { TakesAnnouncementKeys } from '../../../lib/via/udp/announcement.js';
import { ANNOUNCEMENT_KEYS } from '../../../lib/via/udp/announcement.js';
import { parseViaUrl } from '../../../lib/via/url/via-url.js';
import type { ViaMessage } from './via-process.js';

/**
 * `<provider url> <own name> poll|serve`: polls once, or serves until standard input ends and polls whenever
 * a line arrives there. Says what happens in one JSON object a line.
 */
export async function main([url = '', name = '', mode = '']: string[]): Promise<void> {
  const provider = parseViaUrl(url);
  const { host, port } = parseNodeName(name);
  const self = { name, host, port, bootId: randomBytes(16).toString('hex'), meta: {} };
  const aborter = new AbortController();
  const { signal } = aborter;

  const key = process.env.VIA_KEY;
  if (key) (provider as unknown as TakesAnnouncementKeys)[ANNOUNCEMENT_KEYS]([Buffer.from(key, 'hex')]);

  const poll = async (): Promise<void> => {
    try {
      say({ polled: [...(await provider.poll({ self, signal }))] });
    } catch (error) {
      say({ failed: failureOf(error) });
    }
  };
  if (mode === 'poll') return poll();

  const lines = createInterface({ input: process.stdin });
  lines.on('line', () => void poll());
  lines.on('close', () => aborter.abort());
  say({ ready: self.bootId });
  try {
    await provider.serve?.({
      self,
      signal,
      found: (names) => say({ found: [...names] }),
      warn: (warned) => say({ warned }),
    });
    say({ ended: true });
  } catch (error) {
    say({ failed: failureOf(error) });
  }
}

function say(message: ViaMessage): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function failureOf(error: unknown): { code: string; message: string; cause: string } {
  const { code, message, cause } = error as { code: string; message: string; cause?: { code?: string } };
  return { code, message, cause: cause?.code ?? '' };
}
