import { describeError, PeerageError } from '../../errors/peerage-error.js';
import type { NodeInfo } from '../../naming/node-info.js';
import { canonicalName, parseNodeName } from '../../naming/node-name.js';
import { abortedError, orAborted } from '../../time/abortable.js';
import { nameOrUndefined } from '../../naming/checks.js';
import type { MeetingListener, MeetingPoint } from '../registry/registry.js';
import type { PgPort, PgResult } from './pg-types.js';
import { destroyClient } from './pg-types.js';
import type { Statements } from './statements.js';
import { channelOf, statementsFor } from './statements.js';

const UNDEFINED_TABLE = '42P01';
const INSUFFICIENT_PRIVILEGE = '42501';
/** Two made the table at once, and the other one was faster. */
const MADE_BY_ANOTHER = new Set(['23505', '42P07', '42710']);

export interface PostgresPointOptions {
  readonly table: string;
  readonly cluster: string | undefined;
  readonly ttlMs: number;
}

/** A row for each node, with the server's time at which it expires; notifications tell of new ones. */
export class PostgresPoint implements MeetingPoint {
  private readonly sql: Statements;

  constructor(
    private readonly port: PgPort,
    private readonly options: PostgresPointOptions,
  ) {
    this.sql = statementsFor(options.table);
  }

  close(): Promise<void> {
    return this.port.close();
  }

  async register(self: NodeInfo, signal: AbortSignal): Promise<void> {
    const cluster = this.clusterOf(self);
    const name = canonicalName(self.name);
    const row = [cluster, self.bootId, name, this.options.ttlMs];
    const { rows } = await this.withTable(signal, () => this.ask(signal, this.sql.register, row));
    await this.ask(signal, this.sql.sweep, [cluster]);
    if (rows[0]?.['is_new'] === true)
      await this.ask(signal, this.sql.notify, [channelOf(this.options.table), `${cluster} ${name}`]);
  }

  async names(self: NodeInfo, signal: AbortSignal): Promise<string[]> {
    try {
      const { rows } = await this.ask(signal, this.sql.names, [this.clusterOf(self)]);
      return rows.flatMap(({ name }) => nameOrUndefined(String(name)) ?? []);
    } catch (error) {
      // Nobody has registered yet.
      if (codeOf(error) === UNDEFINED_TABLE) return [];
      throw error;
    }
  }

  async leave(self: NodeInfo, signal: AbortSignal): Promise<void> {
    await this.ask(signal, this.sql.leave, [this.clusterOf(self), self.bootId]);
  }

  async listen(self: NodeInfo, signal: AbortSignal, on: MeetingListener): Promise<void> {
    const prefix = `${this.clusterOf(self)} `;
    const client = this.port.newClient();
    const lost = new Promise<never>((_resolve, reject) => {
      const lose = (error: unknown) => reject(error instanceof Error ? error : new Error('it ended'));
      client.on('error', lose);
      client.on('end', lose);
    });
    lost.catch(() => {});
    client.on('notification', (message) => {
      const { payload = '' } = message as { payload?: string };
      if (payload.startsWith(prefix)) on.heard(payload.slice(prefix.length));
    });
    const given = () => abortedError('PostgreSQL', signal);
    try {
      await orAborted(client.connect(), signal, given);
      await orAborted(client.query(this.sql.listen), signal, given);
      on.listening();
      await orAborted(lost, signal, given);
    } finally {
      destroyClient(client);
    }
  }

  private clusterOf(self: NodeInfo): string {
    return this.options.cluster ?? parseNodeName(self.name).app;
  }

  /** Makes the table when there is none. Asking first needs no right to make one. */
  private async withTable(signal: AbortSignal, ask: () => Promise<PgResult>): Promise<PgResult> {
    try {
      return await ask();
    } catch (error) {
      if (codeOf(error) !== UNDEFINED_TABLE) throw error;
    }
    try {
      await this.ask(signal, this.sql.create, []);
    } catch (error) {
      if (!MADE_BY_ANOTHER.has(codeOf(error))) throw error;
    }
    return ask();
  }

  private async ask(signal: AbortSignal, text: string, values: unknown[]): Promise<PgResult> {
    try {
      signal.throwIfAborted();
      const query = this.port.pool.query(text, values);
      return await orAborted(query, signal, () => abortedError('PostgreSQL', signal));
    } catch (error) {
      throw error instanceof PeerageError ? error : this.failure(error, signal);
    }
  }

  private failure(cause: unknown, signal: AbortSignal): PeerageError {
    if (signal.aborted) return abortedError('PostgreSQL', signal);
    const advice =
      codeOf({ cause }) === INSUFFICIENT_PRIVILEGE
        ? `Let this user make the table, or make it and grant SELECT, INSERT, UPDATE and DELETE on it: ${this.sql.create}.`
        : 'Check that the server is up and its address and password are right.';
    return new PeerageError(
      'PROVIDER_FAILED',
      `PostgreSQL cannot be asked: ${describeError(cause)}. ${advice} Names found before stay known.`,
      { cause },
    );
  }
}

/** The code that the server gave, of an error of `ask`. */
function codeOf(error: unknown): string {
  const { cause } = error as { cause?: { code?: unknown } };
  return typeof cause?.code === 'string' ? cause.code : '';
}
