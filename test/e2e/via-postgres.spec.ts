import { Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { ClusterService, PeerageModule } from '../../lib/index.js';
import { viaPostgres } from '../../lib/via/postgres/index.js';
import { channelOf } from '../../lib/via/postgres/statements.js';
import type { ViaPostgresOptions } from '../../lib/via/postgres/index.js';
import { describeProvider } from '../../lib/testing/index.js';
import type { ProviderFixtures } from '../../lib/testing/index.js';
import type { PeerageProvider } from '../../lib/via/provider.js';
import { CapturedLog } from '../support/captured-log.js';
import { PgBouncer } from '../support/providers/pgbouncer.js';
import { freePorts } from '../support/processes/cluster.js';
import { TcpProxy } from '../support/mesh/tcp-proxy.js';
import { PostgresServer } from '../support/providers/postgres-server.js';
import { has } from '../support/requirements.mjs';

const COLUMNS = 'cluster, boot_id, name, expires_at';

describe.skipIf(!has('postgres'))('viaPostgres', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start();
    await dropTable();
  });
  afterAll(() => server.stop());
  beforeEach(() => server.start());

  const dropTable = () => server.run((client) => client.query('DROP TABLE IF EXISTS peerage_nodes'));
  const makeTable = () =>
    server.run((client) =>
      client.query(
        'CREATE TABLE IF NOT EXISTS peerage_nodes (cluster text NOT NULL, boot_id text NOT NULL, ' +
          'name text NOT NULL, expires_at timestamptz NOT NULL, PRIMARY KEY (cluster, boot_id))',
      ),
    );
  const insert = (names: readonly string[], expiry = 'infinity', cluster = 'kit') =>
    server.run(async (client) => {
      await client.query(
        `INSERT INTO peerage_nodes (${COLUMNS}) SELECT $1, md5(name), name, $3 FROM unnest($2::text[]) name ` +
          'ON CONFLICT DO NOTHING',
        [cluster, names, expiry],
      );
      for (const name of names)
        await client.query('SELECT pg_notify($1, $2)', ['peerage:public.peerage_nodes', `kit ${name}`]);
    });
  const held = async () => {
    const { rows } = await server.run((client) => client.query('SELECT name FROM peerage_nodes'));
    return rows.map(({ name }) => String(name));
  };

  const fixtures: ProviderFixtures = {
    hold: async (names) => {
      await makeTable();
      await server.run((client) => client.query('DELETE FROM peerage_nodes'));
      await insert(names);
    },
    // There is no NUL in a text of PostgreSQL.
    addGarbage: (texts) => insert(texts.filter((text) => text !== '\0')),
    fail: () => server.kill(),
    hang: () => server.freeze(),
    heal: () => server.start(),
    held,
    pushes: true,
  };

  const provider = () => viaPostgres({ url: server.url });
  describeProvider(provider, fixtures, { describe, it, title: 'with a pool of its own' });

  describe('with a pool of the app', () => {
    let pool: pg.Pool;
    beforeAll(() => {
      // Idle connections end soon: what is open is counted.
      const limits = { max: 4, connectionTimeoutMillis: 2_000, idleTimeoutMillis: 100 };
      pool = new pg.Pool({ connectionString: server.url, ...limits });
      pool.on('error', () => {});
    });
    afterAll(() => pool.end());
    describeProvider(() => viaPostgres({ pool }), fixtures, { describe, it, title: 'keeps the contract' });
    it('leaves it open', async () => {
      expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    });
  });

  describe.skipIf(!has('pgbouncer'))('through a pooler of transactions, which has no LISTEN', () => {
    let bouncer: PgBouncer;
    beforeAll(async () => void (bouncer = await PgBouncer.start(server.port)));
    afterAll(() => bouncer.stop());
    const { hold, addGarbage } = fixtures;
    describeProvider(
      () => viaPostgres({ url: bouncer.url }),
      { hold, addGarbage: (texts) => addGarbage?.(texts), held },
      { describe, it, title: 'keeps the contract' },
    );
    it('says that no notification gets through, and what to do', async () => {
      const aborter = new AbortController();
      const self = { name: 'kit@10.0.0.1', bootId: 'a', host: 'h', port: 1, meta: {} };
      const context = { self, signal: aborter.signal, found: () => {} };
      let serving: Promise<void> | undefined;
      const warning = new Promise<string>((warn, reject) => {
        serving = viaPostgres({ url: bouncer.url }).serve!({ ...context, warn });
        serving.catch(reject);
      });
      await expect(warning).resolves.toMatch(
        /found at the next poll only: .*PgBouncer with pool_mode = transaction.*address of the server itself/,
      );
      aborter.abort();
      await serving;
    });
    it('says that it does not pass on what the URL asks for', async () => {
      const one = viaPostgres({ url: `${bouncer.url}?options=-csearch_path%3Dpublic` });
      const self = { name: 'kit@10.0.0.1', bootId: 'a', host: 'h', port: 1, meta: {} };
      const polling = Promise.resolve(one.poll({ self, signal: new AbortController().signal }));
      await expect(polling).rejects.toThrow(/startup parameter.*ignore_startup_parameters/);
    });
  });

  describe('on a server', () => {
    let aborter: AbortController;
    const served: Promise<void>[] = [];
    const stops: (() => void)[] = [];
    const found: string[] = [];
    beforeEach(async () => {
      aborter = new AbortController();
      found.length = 0;
      await dropTable();
    });
    afterEach(async () => {
      aborter.abort();
      for (const stop of stops.splice(0)) stop();
      await Promise.all(served.splice(0));
    });

    const context = (name: string) => ({
      self: { name, bootId: name, host: 'h', port: 1, meta: {} },
      signal: aborter.signal,
    });
    /** Each in its own process, as it were: with a signal of its own. */
    const serve = (one: PeerageProvider, name: string) => {
      const own = new AbortController();
      stops.push(() => own.abort());
      const serving = { ...context(name), signal: own.signal };
      served.push(one.serve!({ ...serving, found: (names) => void found.push(...names) }));
    };

    it('makes its table on first use, though twenty nodes start at once', async () => {
      expect(await provider().poll(context('kit@10.0.0.1'))).toEqual([]);
      const names = Array.from({ length: 20 }, (_, i) => `kit@10.0.1.${i}`);
      for (const name of names) serve(provider(), name);
      await vi.waitFor(async () => expect((await held()).sort()).toEqual(names.sort()), { timeout: 20_000 });
      await vi.waitFor(() => expect(new Set(found)).toEqual(new Set(names)), { timeout: 5_000 });
    });

    it('forgets a node that was killed, and leaves other clusters alone', async () => {
      await makeTable();
      await insert(['kit@10.0.0.1'], '-infinity');
      await insert(['other@10.0.0.9'], '-infinity', 'other');
      expect(await provider().poll(context('kit@10.0.0.2'))).toEqual([]);
      serve(provider(), 'kit@10.0.0.2');
      await vi.waitFor(async () => expect((await held()).sort()).toEqual(['kit@10.0.0.2', 'other@10.0.0.9']));
    });

    it('refreshes its row before it expires', async () => {
      serve(viaPostgres({ url: server.url, ttlMs: 1_000 }), 'kit@10.0.0.3');
      const expiry = async () => {
        const { rows } = await server.run((client) => client.query('SELECT expires_at FROM peerage_nodes'));
        return (rows[0]?.expires_at as Date | undefined)?.getTime() ?? 0;
      };
      await vi.waitFor(async () => expect(await expiry().catch(() => 0)).toBeGreaterThan(0));
      const first = await expiry();
      await vi.waitFor(async () => expect(await expiry()).toBeGreaterThan(first), { timeout: 5_000 });
    });

    it('says what is wrong when its user may not make the table', async () => {
      await server.run((client) => client.query('CREATE ROLE guest LOGIN').catch(() => {}));
      const one = viaPostgres({ url: server.url.replace('peerage@', 'guest@') });
      const serving = one.serve!({ ...context('kit@10.0.0.4'), found: () => {} });
      await expect(serving).rejects.toMatchObject({ code: 'PROVIDER_FAILED' });
      await expect(serving).rejects.toThrow(/permission denied.*CREATE TABLE IF NOT EXISTS "peerage_nodes"/);
    });

    it('needs no right to make a table that is there', async () => {
      await makeTable();
      await server.run(async (client) => {
        await client.query('CREATE ROLE guest LOGIN').catch(() => {});
        await client.query('GRANT SELECT, INSERT, UPDATE, DELETE ON peerage_nodes TO guest');
      });
      serve(viaPostgres({ url: server.url.replace('peerage@', 'guest@') }), 'kit@10.0.0.5');
      await vi.waitFor(async () => expect(await held()).toEqual(['kit@10.0.0.5']));
    });

    it('keeps clusters apart whose tables lie in other schemas of one database', async () => {
      await server.run(async (client) => {
        for (const schema of ['staging', 'production'])
          await client.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
      });
      const inSchema = (schema: string) =>
        viaPostgres({ url: `${server.url}?options=-csearch_path%3D${schema}` });
      const foundBy: Record<string, string[]> = {};
      for (const [i, schema] of ['staging', 'production', 'production'].entries()) {
        const own = new AbortController();
        stops.push(() => own.abort());
        const name = `kit@10.2.0.${i}`;
        const into: string[] = (foundBy[name] = []);
        const self = { ...context(name).self, name };
        served.push(
          inSchema(schema).serve!({
            self,
            signal: own.signal,
            found: (names) => void into.push(...names),
          }),
        );
      }
      await vi.waitFor(() => expect(foundBy['kit@10.2.0.1']).toEqual(['kit@10.2.0.2']), 10_000);
      await vi.waitFor(() => expect(foundBy['kit@10.2.0.2']).toEqual(['kit@10.2.0.1']), 10_000);
      expect(foundBy['kit@10.2.0.0']).toEqual([]);
    });

    it('drops a connection of the app that is dead without a word, and works again', async () => {
      await makeTable();
      const [port = 0] = await freePorts(1);
      const proxy = await TcpProxy.open(port, server.port);
      const pool = new pg.Pool({ connectionString: server.url.replace(String(server.port), String(port)) });
      pool.on('error', () => {});
      try {
        const one = viaPostgres({ pool });
        expect(await one.poll(context('kit@10.3.0.1'))).toEqual([]);
        proxy.blackHole();
        await expect(one.poll(context('kit@10.3.0.1'))).rejects.toThrow(/connection is dead/);
        expect(await one.poll(context('kit@10.3.0.1'))).toEqual([]);
      } finally {
        await proxy.close();
        await pool.end();
      }
    });

    it('leaves nothing behind on the server when its table is locked, and says so', async () => {
      await makeTable();
      const one = provider();
      const locks = new pg.Client({ connectionString: server.url });
      await locks.connect();
      try {
        await locks.query('BEGIN; LOCK TABLE peerage_nodes IN ACCESS EXCLUSIVE MODE');
        for (let i = 0; i < 3; i += 1)
          await expect(one.poll(context('kit@10.5.0.1'))).rejects.toThrow(/statement timeout.*pg_locks/);
        const { rows } = await locks.query("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'");
        expect(rows).toEqual([]);
      } finally {
        await locks.end();
      }
      expect(await one.poll(context('kit@10.5.0.1'))).toEqual([]);
    });

    it('is unharmed when its connections are ended, whatever it is doing', async () => {
      await makeTable();
      await insert(['kit@10.6.0.1']);
      const one = provider();
      const serving = { ...context('kit@10.6.0.2'), found: () => {} };
      // As its supervisor does.
      const restart = async (): Promise<void> => {
        while (!aborter.signal.aborted) await one.serve!(serving).catch(() => {});
      };
      served.push(restart());
      const outcomes = new Set<string>();
      const ending = new pg.Client({ connectionString: server.url });
      await ending.connect();
      for (let i = 0; i < 30; i += 1) {
        const polling = Promise.resolve(one.poll(context('kit@10.6.0.2'))).then(
          (names) => [...names].join(),
          (error: unknown) => (error as { code: string }).code,
        );
        await ending.query(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'peerage'",
        );
        outcomes.add(await polling);
      }
      await ending.end();
      expect(
        [...outcomes].filter((outcome) => !['kit@10.6.0.1', 'PROVIDER_FAILED'].includes(outcome)),
      ).toEqual([]);
      await vi.waitFor(
        async () => expect(await one.poll(context('kit@10.6.0.2'))).toEqual(['kit@10.6.0.1']),
        10_000,
      );
    });

    it('makes its table again when that was dropped while it runs', async () => {
      serve(viaPostgres({ url: server.url, ttlMs: 1_000 }), 'kit@10.7.0.1');
      await vi.waitFor(async () => expect(await held()).toEqual(['kit@10.7.0.1']), 10_000);
      await dropTable();
      await vi.waitFor(async () => expect(await held()).toEqual(['kit@10.7.0.1']), 10_000);
    });

    it('goes on when every transaction is serializable, though many nodes write at once', async () => {
      const url = `${server.url}?options=-cdefault_transaction_isolation%3Dserializable`;
      const names = Array.from({ length: 10 }, (_, i) => `kit@10.8.0.${i}`);
      for (const name of names) serve(viaPostgres({ url, ttlMs: 1_000 }), name);
      await vi.waitFor(async () => expect((await held()).sort()).toEqual(names), 20_000);
      await vi.waitFor(() => expect(new Set(found)).toEqual(new Set(names)), 20_000);
    });

    it('says that a standby may not be written to', async () => {
      await makeTable();
      const url = `${server.url}?options=-cdefault_transaction_read_only%3Don`;
      const serving = viaPostgres({ url }).serve!({ ...context('kit@10.4.0.1'), found: () => {} });
      await expect(serving).rejects.toThrow(/read-only.*address of the primary/);
    });

    it('says what is wrong when nobody listens there, without the password', async () => {
      const one = viaPostgres({ url: 'postgres://me:hunter2@127.0.0.1:9/db' });
      const polling = Promise.resolve(one.poll(context('kit@10.0.0.6')));
      await expect(polling).rejects.toMatchObject({ code: 'PROVIDER_FAILED' });
      await expect(polling).rejects.toThrow(/ECONNREFUSED.*server is up/);
      await expect(polling).rejects.not.toThrow(/hunter2/);
    });
  });

  it('takes a pool from the container of the app', async () => {
    const token = 'PG_POOL';
    const pools: pg.Pool[] = [];
    const useFactory = () => {
      const pool = new pg.Pool({ connectionString: server.url });
      pools.push(pool);
      return pool;
    };
    @Module({ providers: [{ provide: token, useFactory }] })
    class DatabaseModule {}
    const start = async () => {
      const via = viaPostgres({ token, table: 'public.cluster_nodes' });
      const module = await Test.createTestingModule({
        imports: [DatabaseModule, PeerageModule.forRoot({ appName: 'kit', bind: '127.0.0.1', port: 0, via })],
      })
        .setLogger(new CapturedLog())
        .compile();
      await module.init();
      return module;
    };
    const modules = [await start(), await start()];
    try {
      await modules[0]!.get(ClusterService).waitFor(1, { timeoutMs: 20_000 });
    } finally {
      await Promise.all(modules.map((module) => module.close()));
      await Promise.all(pools.map((pool) => pool.end()));
    }
  });
});

describe('the channel of a table', () => {
  it('tells tables apart that differ by a dot and an underscore, or at the end of a long name', () => {
    const long = `public.${'t'.repeat(63)}`;
    const identities = ['a.b_c', 'a_b.c', 'a.b.c', 'public.a', long, `${long.slice(0, -1)}u`];
    const channels = identities.map(channelOf);
    expect(new Set(channels).size).toBe(identities.length);
    for (const channel of channels) expect(Buffer.byteLength(channel)).toBeLessThanOrEqual(63);
  });
});

describe('the options of viaPostgres', () => {
  it.each<[ViaPostgresOptions, RegExp]>([
    [{}, /one of url, pool and token/],
    [{ url: 'postgres://h', token: 'PG' }, /one of url, pool and token/],
    [{ url: 'redis://h' }, /url/],
    [{ url: 'postgres://h/db?sslmod=require' }, /parameter sslmod/],
    [{ url: 'postgres://h', table: 'a"; DROP TABLE b; --' }, /table/],
    [{ url: 'postgres://h', cluster: 'a b' }, /cluster/],
    [{ url: 'postgres://h', ttlMs: 10 }, /ttlMs 10 .* 1000/],
    [{ pool: {} as never }, /no Pool of pg/],
  ])('%j are refused', (options, why) => {
    expect(() => viaPostgres(options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
    expect(() => viaPostgres(options)).toThrow(why);
  });
});
