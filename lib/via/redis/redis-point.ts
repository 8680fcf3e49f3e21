import { describeError, PeerageError } from '../../errors/peerage-error.js';
import type { NodeInfo } from '../../naming/node-info.js';
import { canonicalName, parseNodeName } from '../../naming/node-name.js';
import { abortedError, orAborted, underDeadline } from '../../time/abortable.js';
import { nameOrUndefined } from '../../naming/checks.js';
import type { MeetingListener, MeetingPoint } from '../registry/registry.js';
import type { RedisPort } from './redis-port.js';

/** So long is waited for a connection that is being made. */
const READY_MS = 2_000;

/**
 * One sorted set for a cluster: members are `name bootId`, scores the server's time at which they expire. A
 * channel of the same name tells of new ones.
 */
export class RedisPoint implements MeetingPoint {
  constructor(
    private readonly port: RedisPort,
    private readonly key: string | undefined,
    private readonly ttlMs: number,
  ) {}

  async close(): Promise<void> {
    this.port.close();
  }

  async register(self: NodeInfo, signal: AbortSignal): Promise<void> {
    const key = this.keyOf(self);
    const nowMs = await this.serverTimeMs(signal);
    await this.ask(signal, 'ZREMRANGEBYSCORE', key, '-inf', String(nowMs));
    const added = await this.ask(signal, 'ZADD', key, String(nowMs + this.ttlMs), memberOf(self));
    // Nothing stays of a cluster that is gone.
    await this.ask(signal, 'PEXPIRE', key, String(2 * this.ttlMs));
    if (Number(added) > 0) await this.ask(signal, 'PUBLISH', key, canonicalName(self.name));
  }

  async names(self: NodeInfo, signal: AbortSignal): Promise<string[]> {
    const nowMs = await this.serverTimeMs(signal);
    const members = await this.ask(signal, 'ZRANGEBYSCORE', this.keyOf(self), `(${nowMs}`, '+inf');
    const names = (Array.isArray(members) ? members : []).map((member) => nameIn(String(member)));
    return [...new Set(names.filter((name) => name !== undefined))];
  }

  async leave(self: NodeInfo, signal: AbortSignal): Promise<void> {
    await this.ask(signal, 'ZREM', this.keyOf(self), memberOf(self));
  }

  listen(self: NodeInfo, signal: AbortSignal, on: MeetingListener): Promise<void> {
    return this.port.listen(this.keyOf(self), signal, on);
  }

  private keyOf(self: NodeInfo): string {
    return this.key ?? `peerage:${parseNodeName(self.name).app}`;
  }

  /** Clocks of hosts differ; that of the server is one for all. */
  private async serverTimeMs(signal: AbortSignal): Promise<number> {
    const [seconds, micros] = (await this.ask(signal, 'TIME')) as [unknown, unknown];
    return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
  }

  private async ask(signal: AbortSignal, ...words: [string, ...string[]]): Promise<unknown> {
    try {
      await underDeadline(READY_MS, signal, (patience) => this.port.ready(patience));
      return await orAborted(this.port.command(...words), signal, () => abortedError('Redis', signal));
    } catch (error) {
      if (error instanceof PeerageError) throw error;
      throw new PeerageError(
        'PROVIDER_FAILED',
        `Redis cannot be asked (${words[0]}): ${describeError(error)}. Check that the server is up and its ` +
          `address and password are right. Names found before stay known.`,
        { cause: error },
      );
    }
  }
}

function memberOf({ name, bootId }: NodeInfo): string {
  return `${canonicalName(name)} ${bootId}`;
}

/** Whoever knows no boot id may put a bare name there. */
function nameIn(member: string): string | undefined {
  return nameOrUndefined(member.replace(/ [0-9a-f]{32}$/, ''));
}
