import type { Reply } from './nameserver.js';
import { FakeNameserver } from './nameserver.js';

/** `<reply to A> <reply to AAAA>`: answers on port 53 until standard input ends; a reply may be an address. */
export async function main([a = '', aaaa = '']: string[]): Promise<void> {
  const server = await FakeNameserver.start(53);
  server.replies = { A: replyOf(a), AAAA: replyOf(aaaa) };
  process.stdout.write('ready\n');
  await new Promise((resolve) => process.stdin.resume().once('close', resolve));
}

function replyOf(text: string): Reply {
  return /[.:]/.test(text) ? [text] : (text as Reply);
}
