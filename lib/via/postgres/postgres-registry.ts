import { describeError, PeerageError } from '../../errors/peerage-error.js';
import { codeOf } from '../../errors/thrown.js';
import type { NodeInfo } from '../../naming/node-info.js';
import { canonicalName, nameOrUndefined, parseNodeName } from '../../naming/node-name.js';
import { abortedError, orAborted, underDeadline } from '../../time/abortable.js';
import { keepAlive } from '../registry/keep-alive.js';
import { ANSWER_MS } from '../registry/registry.js';
import type { Registry, RegistryEntry, RegistryListener } from '../registry/registry.js';
import { askInTime, localAddressOf } from './in-time.js';
import { postgresAdvice } from './postgres-advice.js';
import type { PgPort, PgResult } from './pg-types.js';
import { destroyClient } from './pg-types.js';
import type { Statements } from './statements.js';
import { channelOf, statementsFor } from './statements.js';

const UNDEFINED_TABLE = '42P01';
/** Deadline of what takes several questions. */
const ASK_MS = 3_000;
/** So long a notification of our own may take to come back. */
const ECHO_MS = 2_000;
/** Two made the table at once, and the other one was faster. */
const MADE_BY_ANOTHER = new Set(['23505', '42P07', '42710']);

const DEAF =
  `A notification of our own has not come back within ${ECHO_MS} ms. A pooler that gives each transaction another connection ` +
  'has no LISTEN, such as PgBouncer with pool_mode = transaction: give the address of the server itself, or one where the ' +
  'pooler has pool_mode = session.';

export interface PostgresRegistryOptions {
  readonly table: string;
  readonly cluster: string | undefined;
  readonly ttlMs: number;
}

/** A row for each node, with the server's time at which it expires; notifications tell of new ones. */
export class PostgresRegistry implements Registry {
  private readonly sql: Statements;

  constructor(
    private readonly port: PgPort,
    private readonly options: PostgresRegistryOptions,
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
    if (rows[0]?.['is_new'] !== true) return;
    await this.ask(signal, this.sql.notify, [await this.channel(signal), `${cluster} ${name}`]);
  }

  async entries(self: NodeInfo, signal: AbortSignal): Promise<RegistryEntry[]> {
    try {
      const { rows } = await this.ask(signal, this.sql.entries, [this.clusterOf(self)]);
      return rows.flatMap(({ name, boot_id }) => {
        const canonical = nameOrUndefined(String(name));
        return canonical === undefined ? [] : { name: canonical, bootId: String(boot_id) };
      });
    } catch (error) {
      // Nobody has registered yet.
      if (serverCodeOf(error) === UNDEFINED_TABLE) return [];
      throw error;
    }
  }

  async leave(self: NodeInfo, signal: AbortSignal): Promise<void> {
    await this.ask(signal, this.sql.leave, [this.clusterOf(self), self.bootId]);
  }

  ownAddress(): Promise<string | undefined> {
    return localAddressOf(this.port.pool, ANSWER_MS);
  }

  async listen(self: NodeInfo, signal: AbortSignal, on: RegistryListener): Promise<void> {
    const channel = await underDeadline(ASK_MS, signal, (deadline) => this.channel(deadline));
    const client = this.port.newClient();
    const lost = new Promise<never>((_resolve, reject) => {
      const lose = (error: unknown) => reject(error instanceof Error ? error : new Error('it ended'));
      client.on('error', lose);
      client.on('end', lose);
    });
    lost.catch(() => {});
    const ofOurs = `${this.clusterOf(self)} `;
    // Heard by nobody else.
    const echo = `peerage:${self.bootId}`;
    const heard = new Promise<void>((resolve) => {
      client.on('notification', (message) => {
        const { channel: from, payload = '' } = message as { channel: string; payload?: string };
        if (from === echo) resolve();
        else if (payload.startsWith(ofOurs)) on.changed();
      });
    });
    try {
      await underDeadline(ASK_MS, signal, async (deadline) => {
        const givenUp = () => abortedError('PostgreSQL', deadline);
        await orAborted(client.connect(), deadline, givenUp);
        await orAborted(client.query(`LISTEN "${channel}"; LISTEN "${echo}"`), deadline, givenUp);
      });
      await Promise.race([lost, this.hearItself(echo, heard, signal)]);
      on.listening();
      await Promise.race([lost, keepAlive(() => client.query('SELECT 1'), signal)]);
    } catch (error) {
      throw error instanceof PeerageError ? error : this.failure(error, signal);
    } finally {
      destroyClient(client);
    }
  }

  /** A pooler of transactions takes a LISTEN, and passes nothing on: only what is heard shows that we listen. */
  private async hearItself(echo: string, heard: Promise<void>, signal: AbortSignal): Promise<void> {
    await this.ask(signal, this.sql.notify, [echo, '']);
    await underDeadline(ECHO_MS, signal, (deadline) =>
      orAborted(heard, deadline, () => new PeerageError('PROVIDER_FAILED', DEAF)),
    );
  }

  /**
   * Notifications are heard in the whole database, so the channel names the very table that this user sees under
   * its name: its schema may come from the search path.
   */
  private async channel(signal: AbortSignal): Promise<string> {
    const { rows } = await this.withTable(signal, () => this.ask(signal, this.sql.identity, []));
    return channelOf(String(rows[0]?.['identity']));
  }

  private clusterOf(self: NodeInfo): string {
    return this.options.cluster ?? parseNodeName(self.name).app;
  }

  /** Makes the table when there is none. Asking first needs no right to make one. */
  private async withTable(signal: AbortSignal, ask: () => Promise<PgResult>): Promise<PgResult> {
    try {
      return await ask();
    } catch (error) {
      if (serverCodeOf(error) !== UNDEFINED_TABLE) throw error;
    }
    try {
      await this.ask(signal, this.sql.create, []);
    } catch (error) {
      if (!MADE_BY_ANOTHER.has(serverCodeOf(error))) throw error;
    }
    return ask();
  }

  private async ask(signal: AbortSignal, text: string, values: unknown[]): Promise<PgResult> {
    try {
      signal.throwIfAborted();
      const answer = askInTime(this.port.pool, text, values, ANSWER_MS);
      return await orAborted(answer, signal, () => abortedError('PostgreSQL', signal));
    } catch (error) {
      throw error instanceof PeerageError ? error : this.failure(error, signal);
    }
  }

  private failure(cause: unknown, signal: AbortSignal): PeerageError {
    if (signal.aborted) return abortedError('PostgreSQL', signal);
    const advice = postgresAdvice(cause, this.sql.create, this.sql.schema);
    return new PeerageError(
      'PROVIDER_FAILED',
      `PostgreSQL cannot be asked: ${describeError(cause).replace(/\.$/, '')}. ${advice} Names found before stay known.`,
      { cause },
    );
  }
}

/** The code that the server gave, of an error of `ask`. */
function serverCodeOf(error: unknown): string {
  return codeOf((error as Error).cause);
}
