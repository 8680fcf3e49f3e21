import { describeError, PeerageError } from '../../errors/peerage-error.js';
import type { NodeInfo } from '../../naming/node-info.js';
import { canonicalName, nameOrUndefined, parseHostPort, parseNodeName } from '../../naming/node-name.js';
import { abortedError, onAbort, orAborted, underDeadline } from '../../time/abortable.js';
import { ANSWER_MS } from '../registry/registry.js';
import type { Registry, RegistryEntry, RegistryListener } from '../registry/registry.js';
import { redisAdvice } from './redis-advice.js';
import type { RedisPort } from './redis-port.js';
import { NotReadyError } from './redis-port.js';

/** So long it may take until notifications come: a connection, and an answer. */
const LISTEN_MS = 2 * ANSWER_MS;
/** What a server says that has become a replica. Behind the same name there may be another primary now. */
const IS_REPLICA = /\b(READONLY|MASTERDOWN)\b/;

/** Which connections a question was asked on. */
interface Asked {
  readonly connected: AbortController;
  readonly isGiven: boolean;
}

/**
 * One sorted set for a cluster: members are `name bootId`, scores the server's time at which they expire. A
 * channel tells of new ones.
 */
export class RedisRegistry implements Registry {
  /** Aborts when the connections of now are given up. */
  private connected = new AbortController();
  /** What is written of each node of this process, by its boot id. */
  private readonly written = new Map<string, string>();

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
    const nowMs = await this.serverTimeMs(self, signal);
    await this.ask(self, signal, 'ZREMRANGEBYSCORE', key, '-inf', String(nowMs));
    const member = memberOf(self);
    const added = await this.ask(self, signal, 'ZADD', key, String(nowMs + this.ttlMs), member);
    await this.removeFormer(self, signal);
    this.written.set(self.bootId, member);
    // Nothing stays of a cluster that is gone.
    await this.ask(self, signal, 'PEXPIRE', key, String(2 * this.ttlMs));
    if (Number(added) > 0)
      await this.ask(self, signal, 'PUBLISH', this.channelOf(self), canonicalName(self.name));
  }

  async entries(self: NodeInfo, signal: AbortSignal): Promise<RegistryEntry[]> {
    const nowMs = await this.serverTimeMs(self, signal);
    const members = await this.ask(self, signal, 'ZRANGEBYSCORE', this.keyOf(self), `(${nowMs}`, '+inf');
    return (Array.isArray(members) ? members : []).flatMap((member) => entryIn(String(member)) ?? []);
  }

  async leave(self: NodeInfo, signal: AbortSignal): Promise<void> {
    await this.removeFormer(self, signal);
    await this.ask(self, signal, 'ZREM', this.keyOf(self), memberOf(self));
  }

  /** A client that shows no socket asks the server where it is called from. Not every server and user may. */
  async ownAddress(signal: AbortSignal): Promise<string | undefined> {
    const { localAddress } = this.port;
    if (localAddress !== undefined) return localAddress;
    const info = await underDeadline(ANSWER_MS, signal, (deadline) =>
      orAborted(this.port.command('CLIENT', 'INFO'), deadline, () => abortedError('Redis', signal)),
    );
    const [, address] = /(?:^| )addr=(\S+)/.exec(String(info)) ?? [];
    return address === undefined ? undefined : parseHostPort(address).host;
  }

  /** The entry under the name that this node had before. */
  private async removeFormer(self: NodeInfo, signal: AbortSignal): Promise<void> {
    const former = this.written.get(self.bootId);
    this.written.delete(self.bootId);
    if (former !== undefined && former !== memberOf(self))
      await this.ask(self, signal, 'ZREM', this.keyOf(self), former);
  }

  async listen(self: NodeInfo, signal: AbortSignal, on: RegistryListener): Promise<void> {
    const ended = new AbortController();
    const end = (): void => ended.abort();
    const tooLate = setTimeout(end, LISTEN_MS);
    const listening = (): void => {
      clearTimeout(tooLate);
      on.listening();
    };
    const unlisten = [signal, this.connected.signal].map((each) => onAbort(each, end));
    if (signal.aborted) end();
    try {
      await this.port.listen(this.channelOf(self), ended.signal, { ...on, listening });
    } catch (error) {
      throw signal.aborted ? abortedError('Redis', signal) : this.failure('SUBSCRIBE', error, self);
    } finally {
      clearTimeout(tooLate);
      for (const stop of unlisten) stop();
    }
  }

  private keyOf(self: NodeInfo): string {
    return this.key ?? `peerage:${parseNodeName(self.name).app}`;
  }

  /** A channel is heard in all databases, and clients put no prefix before it: so it names what keys lie in. */
  private channelOf(self: NodeInfo): string {
    const { database, keyPrefix } = this.port.scope;
    return `${keyPrefix}${this.keyOf(self)}@${database}`;
  }

  /** Clocks of hosts differ; that of the server is one for all. */
  private async serverTimeMs(self: NodeInfo, signal: AbortSignal): Promise<number> {
    const [seconds, micros] = (await this.ask(self, signal, 'TIME')) as [unknown, unknown];
    return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
  }

  private async ask(self: NodeInfo, signal: AbortSignal, ...words: [string, ...string[]]): Promise<unknown> {
    const asked = { connected: this.connected, isGiven: this.port.isGiven };
    try {
      await underDeadline(ANSWER_MS, signal, (deadline) => this.port.ready(deadline));
      return await underDeadline(ANSWER_MS, signal, (deadline) =>
        orAborted(this.port.command(...words), deadline, () => this.noAnswer(words[0], asked, signal)),
      );
    } catch (error) {
      const failure = error instanceof PeerageError ? error : this.failure(words[0], error, self);
      const isStuck = error instanceof NotReadyError && !isGivenUp(signal);
      if (isStuck || IS_REPLICA.test(describeError(error))) this.renew(asked, failure);
      // What else was asked on connections that are given up fails with them, and not for a reason of its own.
      const { aborted, reason } = asked.connected.signal;
      throw aborted && !isGivenUp(signal) ? (reason as PeerageError) : failure;
    }
  }

  /**
   * Makes the connections anew, unless that was done since this one was asked. The one that listens leads to the same
   * server as that for commands.
   */
  private renew({ connected }: Asked, why: PeerageError): void {
    if (connected !== this.connected) return;
    this.port.renew();
    connected.abort(why);
    this.connected = new AbortController();
  }

  /** A connection that is dead without a word: TCP itself would go on trying for a quarter of an hour. */
  private noAnswer(command: string, asked: Asked, signal: AbortSignal): PeerageError {
    if (isGivenUp(signal)) return abortedError('Redis', signal);
    const cure = asked.isGiven
      ? 'The client is one of the app, in whose place a connection of our own is made: let it notice dead connections as ' +
        'well (socketTimeout of ioredis).'
      : 'The connection is made anew.';
    const failure = new PeerageError(
      'PROVIDER_TIMEOUT',
      `Redis gave no answer to ${command} within ${ANSWER_MS} ms: the server hangs, or the connection is dead. ` +
        `${cure} Names found before stay known.`,
    );
    this.renew(asked, failure);
    return failure;
  }

  private failure(command: string, error: unknown, self: NodeInfo): PeerageError {
    if (error instanceof PeerageError) return error;
    const advice = redisAdvice(error, this.keyOf(self), this.channelOf(self));
    return new PeerageError(
      'PROVIDER_FAILED',
      `Redis cannot be asked (${command}): ${describeError(error).replace(/\.$/, '')}. ${advice} Names found before stay known.`,
      { cause: error },
    );
  }
}

/** Whoever asked does not want to know any more. */
function isGivenUp({ aborted, reason }: AbortSignal): boolean {
  return aborted && (reason as { name?: unknown } | undefined)?.name !== 'TimeoutError';
}

function memberOf({ name, bootId }: NodeInfo): string {
  return `${canonicalName(name)} ${bootId}`;
}

/** Whoever knows no boot id may put a bare name there. */
function entryIn(member: string): RegistryEntry | undefined {
  const [, text = '', bootId] = /^(.*?)(?: ([0-9a-f]{32}))?$/s.exec(member) ?? [];
  const name = nameOrUndefined(text);
  return name === undefined ? undefined : { name, bootId };
}
