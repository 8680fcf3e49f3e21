import { describeError } from '../errors/peerage-error.js';
import { formatExplanation } from '../status/explanation-text.js';
import { askSocket, findSockets, type StatusReport } from '../status/status-socket.js';
import { duration } from '../time/seconds.js';
import type { StatusCommand } from './command.js';

/** What became of asking one node. */
interface Asked {
  readonly pid: number;
  readonly report?: StatusReport;
  /** It is there and does not answer. */
  readonly error?: string;
}

/** Asks every node of this user on this host. Whether there is one, and all answered. */
export async function status(
  { which, timeoutMs, json }: StatusCommand,
  write: (text: string) => void,
): Promise<boolean> {
  const sockets = await findSockets();
  const all = await Promise.all(sockets.map((socket) => ask(socket, timeoutMs)));
  const asked = meant(
    all.filter((one) => one !== undefined),
    which,
  );
  if (json) write(`${JSON.stringify(asked)}\n`);
  else write(asked.length === 0 ? noNode(which) : `${asked.map(textOf).join('\n\n')}\n`);
  return asked.length > 0 && asked.every(({ error }) => error === undefined);
}

async function ask(socket: { pid: number; path: string }, timeoutMs: number): Promise<Asked | undefined> {
  const { pid } = socket;
  try {
    const report = await askSocket(socket, timeoutMs);
    return report && { pid, report };
  } catch (error) {
    return { pid, error: describeError(error) };
  }
}

/** By the number of a process, or a name, or else a part of one. Who does not answer may be the one that is meant. */
function meant(all: readonly Asked[], which: string | undefined): readonly Asked[] {
  if (which === undefined) return all;
  const ways: ((one: Asked) => boolean)[] = [
    ({ pid }) => which === String(pid),
    ({ report }) => report?.explanation.self.name === which,
    ({ report }) => report?.explanation.self.name.includes(which) ?? false,
    ({ error }) => error !== undefined,
  ];
  return ways.map((isMeant) => all.filter(isMeant)).find((found) => found.length > 0) ?? [];
}

function noNode(which: string | undefined): string {
  const what = which === undefined ? 'No node' : `No node "${which}"`;
  return (
    `${what} of this user runs on this host, or none may be asked: it runs as another user or in another container, ` +
    'has statusSocket: false, or its temporary folder (TMPDIR) is another one or cannot be written to.\n'
  );
}

function textOf({ pid, report, error }: Asked): string {
  if (!report) return `process ${pid}: ${error}`;
  const { explanation, stats } = report;
  const { events, messages, queues, handlers, dials, upMs, requests } = stats;
  const downs = Object.entries(events.downs).filter(([, count]) => count > 0);
  const failed = Object.entries(dials.failed);
  const counts = [
    `up for ${duration(upMs)}, process ${pid}`,
    `since then: ${events.ups === 1 ? '1 peer' : `${events.ups} peers`} came, ${downs.map(([reason, count]) => `${count} went (${reason})`).join(', ') || 'none went'}`,
    `dials: ${dials.connected} connected${failed.map(([code, count]) => `, ${count} ${code}`).join('')}`,
    `messages: ${messages.sent.count} sent, ${messages.received.count} received; ${queues.sendBytes} bytes wait to be sent, ` +
      `${handlers.running} handlers at work, ${handlers.waiting} messages wait for one, ${requests.pending} requests wait`,
  ];
  const [head = '', ...rest] = formatExplanation(explanation).split('\n');
  return [head, ...counts.map((line) => `  ${line}`), ...rest].join('\n');
}
