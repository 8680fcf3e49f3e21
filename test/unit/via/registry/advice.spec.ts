import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { postgresAdvice } from '../../../../lib/via/postgres/postgres-advice.js';
import { statementsFor } from '../../../../lib/via/postgres/statements.js';
import { redisAdvice } from '../../../../lib/via/redis/redis-advice.js';

const coded = (code: string, message = ''): Error => Object.assign(new Error(message), { code });

describe('what to do about an error of Redis', () => {
  const adviceOn = (error: unknown) => redisAdvice(error, 'peerage:shop', 'peerage:shop@1');

  it.each<[string, RegExp]>([
    ["NOPERM User few has no permissions to access the 'peerage:shop@1' channel", /&peerage:shop@1 /],
    ["NOPERM User few has no permissions to run the 'select' command", /\+select/],
    [
      "NOPERM User few has no permissions to run the 'zadd' command",
      /~peerage:shop &peerage:shop@1 \+zadd .*\+info/,
    ],
    ["READONLY You can't write against a read only replica.", /address of the primary/],
    ['no connection in time', /rediss:\/\/ \(TLS\) as here/],
    ['NOAUTH Authentication required.', /wants a password/],
    ['WRONGPASS invalid username-password pair or user is disabled.', /does not accept/],
    ['MOVED 3999 127.0.0.1:6381', /class Cluster of ioredis/],
    ['ERR SELECT is not allowed in cluster mode', /database 0 only/],
    ['ERR DB index is out of range', /no database of that number/],
    [
      'WRONGTYPE Operation against a key holding the wrong kind of value',
      /under peerage:shop: .*another key/,
    ],
    ["OOM command not allowed when used memory > 'maxmemory'.", /out of memory/],
    ['MISCONF Redis is configured to save RDB snapshots', /cannot save/],
    ['LOADING Redis is loading the dataset in memory', /starting/],
    ['ERR max number of clients reached', /maxclients/],
    // What ioredis says where the server had said that, and hung up.
    ['write EPIPE', /hung up: .*no connection left \(maxclients\).*rediss:/],
    ['read ECONNRESET', /hung up: .*no connection left \(maxclients\)/],
    ['Connection is closed.', /hung up: .*no connection left \(maxclients\)/],
    ["ERR unknown command 'TIME'", /does not have the command/],
    ['ERR unsupported command', /does not have the command/],
    ['Connection in subscriber mode, only subscriber commands may be used', /is subscribed/],
    ['connect ECONNREFUSED 127.0.0.1:6379', /server is up/],
  ])('%s', (said, advice) => {
    expect(adviceOn(new Error(said))).toMatch(advice);
  });

  it.each([
    ['DEPTH_ZERO_SELF_SIGNED_CERT', /NODE_EXTRA_CA_CERTS=/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', /for another name/],
    ['CERT_HAS_EXPIRED', /has expired/],
  ])('%s', (code, advice) => {
    expect(adviceOn(coded(code))).toMatch(advice);
  });
});

describe('what to do about an error of PostgreSQL', () => {
  const adviceOn = (error: unknown) => postgresAdvice(error, 'CREATE TABLE x');

  it('a pooler that does not take a parameter', () => {
    const error = Object.assign(new Error('unsupported startup parameter: options'), { code: '08P01' });
    expect(adviceOn(error)).toMatch(/ignore_startup_parameters/);
  });

  it.each([
    ['25006', /standby: give the address of the primary.*pg_is_in_recovery.*default_transaction_read_only/],
    [
      '42501',
      /grant SELECT, INSERT, UPDATE and DELETE on it: CREATE TABLE x\. .*GRANT USAGE, CREATE ON SCHEMA public TO/,
    ],
    ['3F000', /no such schema.*may not use it.*GRANT USAGE, CREATE ON SCHEMA public TO/],
    ['08P01', /a pooler rather than the server: see its log/],
    ['57014', /pg_locks/],
    ['53300', /max_connections/],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', /sslrootcert=/],
    ['ECONNREFUSED', /server is up/],
  ])('%s', (code, advice) => {
    expect(adviceOn(coded(code))).toMatch(advice);
  });

  it.each([
    [
      'server login has been failing, cached error: connect failed (server_login_retry)',
      /tries its server again/,
    ],
    ['pgbouncer cannot connect to server', /tries its server again/],
    ['transaction blocks not allowed in statement pooling mode', /never works.*pool_mode = session/],
    ['no more connections allowed (max_client_conn)', /takes no more clients/],
    ['client connections exceeded (max_db_client_connections)', /takes no more clients/],
    ['query_wait_timeout', /default_pool_size/],
    ['bouncer config error', /\[databases\] and auth_file/],
    ['no such database: shop', /\[databases\] and auth_file/],
  ])('a pooler that says %s', (said, advice) => {
    const text = adviceOn(coded('08P01', said));
    expect(text).toMatch(advice);
    expect(text.includes('server_login_retry')).toBe(advice.source.includes('tries its server'));
  });

  it('a pooler that waits for its server is the only one of which that is said, whatever it says', () => {
    fc.assert(
      fc.property(fc.string(), (said) => {
        fc.pre(!/login|connect|server down/i.test(said));
        expect(adviceOn(coded('08P01', said))).not.toContain('server_login_retry');
      }),
    );
  });

  it('a user that is not there, or may not log in, is no matter of pg_hba.conf', () => {
    const said = (message: string) => adviceOn(coded('28000', message));
    expect(said('role "app2" does not exist')).toMatch(/no such user: make it/);
    expect(said('role "app2" is not permitted to log in')).toMatch(/ALTER ROLE/);
    expect(said('no pg_hba.conf entry for host "10.0.0.1"')).toMatch(/pg_hba\.conf.*TLS/);
  });

  it.each(['3F000', '42501'])('%s names the schema that the table was given', (code) => {
    const { create, schema } = statementsFor('nosuch.tab');
    const advice = postgresAdvice(coded(code), create, schema);
    expect(advice).toContain('ON SCHEMA "nosuch" TO');
    expect(advice).not.toContain('public');
    expect(postgresAdvice(coded(code), create, statementsFor('tab').schema)).toContain('ON SCHEMA public TO');
  });

  it('a client that had no answer', () => {
    expect(adviceOn(new Error('Query read timeout'))).toMatch(/hangs, or the connection is dead/);
  });
});
