import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import {
  VARIABLES,
  optionsFromEnvironment,
  readEnvironment,
  variableOf,
} from '../../../lib/config/environment.js';
import type { Environment } from '../../../lib/config/environment.js';
import { PeerageError } from '../../../lib/errors/peerage-error.js';
import { checkOptions } from '../../../lib/settings/check-options.js';
import { DEFAULT_HEARTBEAT, DEFAULT_LIMITS } from '../../../lib/peerage.options.js';

const faultsOf = (env: Environment) =>
  readEnvironment(env).faults.map(({ path, problem }) => `${path}: ${problem}`);

describe('the environment', () => {
  it('gives no options when it says nothing', () => {
    expect(optionsFromEnvironment({})).toEqual({});
    expect(optionsFromEnvironment({ PEERAGE_PORT: '', PEERAGE_SECRET: '  ', OTHER: 'x' })).toEqual({});
  });

  it('gives every option', () => {
    const options = optionsFromEnvironment({
      PEERAGE_VIA: 'self:,list:a@127.0.0.1:4001',
      PEERAGE_APP_NAME: 'shop',
      PEERAGE_NAME: 'shop@10.0.0.1:9000',
      PEERAGE_CLUSTER: 'blue',
      PEERAGE_HOST: '10.0.0.1',
      PEERAGE_BIND: '0.0.0.0',
      PEERAGE_PORT: '9001',
      PEERAGE_SECRET: ' a secret, with a comma \n',
      PEERAGE_SECRET_PREVIOUS: 'the secret of last year',
      PEERAGE_INSECURE: 'no',
      PEERAGE_META: '{"version":"1.2.3"}',
      PEERAGE_INTERVAL_MS: '1000',
      PEERAGE_SYNC_OFFSET_MS: '5',
      PEERAGE_LOG_RESULTS: 'off',
      PEERAGE_WAIT_FOR_PEERS: '2',
      PEERAGE_WAIT_FOR_TIMEOUT_MS: '3000',
      PEERAGE_WAIT_FOR_REJECT: 'TRUE',
      PEERAGE_HEARTBEAT_INTERVAL_MS: '500',
      PEERAGE_HEARTBEAT_SUSPECT_MS: '600',
      PEERAGE_HEARTBEAT_DOWN_MS: '700',
      PEERAGE_LIMITS_FRAME_BYTES: '100000',
      PEERAGE_LIMITS_POLLED_NAMES: '10',
    });
    expect(options.via).toHaveLength(2);
    expect({ ...options, via: undefined }).toEqual({
      via: undefined,
      appName: 'shop',
      name: 'shop@10.0.0.1:9000',
      cluster: 'blue',
      host: '10.0.0.1',
      bind: '0.0.0.0',
      port: 9001,
      secret: ['a secret, with a comma', 'the secret of last year'],
      insecure: false,
      meta: { version: '1.2.3' },
      intervalMs: 1_000,
      syncOffsetMs: 5,
      logResults: false,
      waitFor: { peers: 2, timeoutMs: 3_000, reject: true },
      heartbeat: { intervalMs: 500, suspectMs: 600, downMs: 700 },
      limits: { frameBytes: 100_000, polledNames: 10 },
    });
  });

  it('has a variable for every beat and limit', () => {
    const paths = [
      ...Object.keys(DEFAULT_HEARTBEAT).map((key) => `heartbeat.${key}`),
      ...Object.keys(DEFAULT_LIMITS).map((key) => `limits.${key}`),
    ];
    expect(VARIABLES).toEqual(expect.arrayContaining(paths.map(variableOf)));
    expect(variableOf('limits.sendQueueBytes')).toBe('PEERAGE_LIMITS_SEND_QUEUE_BYTES');
  });

  it('tells of all faults at once, by the names of the variables', () => {
    const env = {
      PEERAGE_PORT: 'http',
      PEERAGE_INTERVAL_MS: '0',
      PEERAGE_INSECURE: 'maybe',
      PEERAGE_META: '{',
      PEERAGE_VIA: 'carrier-pigeon:',
      PEERAGE_SECRET: 'short',
      PEERAGE_SECRET_PREVIOUS: 'shorter',
      PEERAGE_WAIT_FOR_PEERS: '1',
      PEERAGE_TLS_CA: '/nowhere/ca.pem',
      PEERAGE_SECERT: 'slip',
    };
    const faults = faultsOf(env);
    const told = (variable: string) => faults.filter((fault) => fault.startsWith(`${variable}: `)).join();
    expect(told('PEERAGE_PORT')).toBe('PEERAGE_PORT: "http" is not a whole number.');
    expect(told('PEERAGE_INTERVAL_MS')).toContain('give an integer from 1');
    expect(told('PEERAGE_INSECURE')).toContain('"maybe" does not work; give true or false');
    expect(told('PEERAGE_META')).toContain('is not JSON');
    expect(told('PEERAGE_VIA')).toContain('carrier-pigeon');
    expect(told('PEERAGE_SECRET')).toContain('is 5 bytes long');
    expect(told('PEERAGE_SECRET_PREVIOUS')).toContain('is 7 bytes long');
    expect(told('PEERAGE_WAIT_FOR_TIMEOUT_MS')).toBe('PEERAGE_WAIT_FOR_TIMEOUT_MS: is missing.');
    expect(told('PEERAGE_TLS_CA')).toBe('PEERAGE_TLS_CA: the file /nowhere/ca.pem cannot be read (ENOENT).');
    expect(told('PEERAGE_TLS_KEY')).toBe('PEERAGE_TLS_KEY: is missing.');
    expect(told('PEERAGE_SECERT')).toBe(
      'PEERAGE_SECERT: there is no such variable; did you mean PEERAGE_SECRET?',
    );
    expect(() => optionsFromEnvironment(env)).toThrow(PeerageError);
  });

  it('does not accept a previous secret alone', () => {
    expect(faultsOf({ PEERAGE_SECRET_PREVIOUS: 'the secret of last year' })).toEqual([
      'PEERAGE_SECRET_PREVIOUS: is given without PEERAGE_SECRET, which is the one that dials.',
    ]);
  });

  it('is not confused by what Kubernetes sets for a Service named peerage', () => {
    const serviceLinks = {
      PEERAGE_PORT: 'tcp://10.0.0.1:4370',
      PEERAGE_PORT_4370_TCP: 'tcp://10.0.0.1:4370',
      PEERAGE_PORT_4370_TCP_ADDR: '10.0.0.1',
      PEERAGE_PORT_4370_TCP_PORT: '4370',
      PEERAGE_PORT_4370_TCP_PROTO: 'tcp',
      PEERAGE_SERVICE_HOST: '10.0.0.1',
      PEERAGE_SERVICE_PORT: '4370',
      PEERAGE_SERVICE_PORT_PEERS: '4370',
    };
    expect(optionsFromEnvironment(serviceLinks)).toEqual({});
  });

  describe('with certificates', () => {
    let directory: string | undefined;
    afterEach(() => directory && rmSync(directory, { recursive: true, force: true }));

    it('reads the files that the variables name', () => {
      directory = mkdtempSync(join(tmpdir(), 'peerage-test-'));
      const file = join(directory, 'ca.pem');
      writeFileSync(file, 'no certificate');
      const { options } = readEnvironment({ PEERAGE_TLS_CA: file, PEERAGE_TLS_PASSPHRASE: 'open' });
      expect(options.tls).toEqual({ ca: Buffer.from('no certificate'), passphrase: 'open' });
    });
  });

  const value = fc.oneof(
    fc.string(),
    fc.integer().map(String),
    fc.json(),
    fc.constantFrom('true', '0', '127.0.0.1', 'self:', 'tcp://1.2.3.4:5', 'a@b', ' ', '-0', '1e3', '1_000'),
  );

  it('is read without ever throwing anything but INVALID_OPTIONS, and gives options that need no change', () => {
    const variables = VARIABLES.filter((variable) => !variable.startsWith('PEERAGE_TLS'));
    const env = fc.dictionary(fc.oneof(fc.constantFrom(...variables), fc.string()), value, { maxKeys: 8 });
    fc.assert(
      fc.property(env, (variablesSet) => {
        const { options, faults } = readEnvironment(variablesSet);
        if (faults.length === 0) expect(checkOptions(options).list).toEqual([]);
        else expect(() => optionsFromEnvironment(variablesSet)).toThrow(/^Peerage cannot start/);
        for (const { path } of faults) expect(path).toMatch(/^PEERAGE_/);
      }),
      { numRuns: 300 },
    );
  });

  /** What a text became: the value of the option, or what is wrong with it. */
  const readOf = (variable: string, text: string): unknown => {
    const { options, faults } = readEnvironment({ [variable]: text });
    if (faults.length > 0) return faults;
    const path = Object.keys(options)[0];
    const inner = (options as Record<string, unknown>)[path ?? ''];
    return inner instanceof Object && !Array.isArray(inner) && path !== 'meta'
      ? Object.values(inner)[0]
      : inner;
  };

  it.each(VARIABLES.filter((variable) => !variable.startsWith('PEERAGE_TLS')))(
    'passes over nothing that %s says: it is an option, or a fault',
    (variable) => {
      fc.assert(
        fc.property(value, (text) => {
          const isServiceLink = variable === 'PEERAGE_PORT' && text.startsWith('tcp://');
          fc.pre(text.trim() !== '' && !isServiceLink);
          expect(readOf(variable, text)).toBeDefined();
        }),
        { numRuns: 30 },
      );
    },
  );

  /** These are read by viaKubernetes(). */
  const others = ['PEERAGE_KUBERNETES_SERVICE', 'PEERAGE_KUBERNETES_SELECTOR'];

  it.each([...VARIABLES, ...others])('says which variable was meant when %s is misspelt', (variable) => {
    const short = variable.slice('PEERAGE_'.length);
    fc.assert(
      fc.property(fc.nat({ max: short.length - 1 }), fc.constantFrom('X', ''), (at, letter) => {
        const slip = `PEERAGE_${short.slice(0, at)}${letter}${short.slice(at + 1)}`;
        fc.pre(!VARIABLES.includes(slip) && !others.includes(slip) && slip !== 'PEERAGE_');
        expect(faultsOf({ [slip]: '1' })).toEqual([
          expect.stringMatching(/^\S+: there is no such variable; did/),
        ]);
      }),
      { numRuns: 20 },
    );
  });

  it('does not take a secret of blanks', () => {
    expect(faultsOf({ PEERAGE_SECRET_PREVIOUS: ' '.repeat(20), PEERAGE_SECRET: 'x'.repeat(20) })).toEqual([]);
    expect(checkOptions({ secret: ' '.repeat(20) }).list).toEqual([
      { path: 'secret', problem: expect.stringContaining('is blank') },
    ]);
  });

  it('gives back the numbers that were written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000_000 }), (ms) => {
        expect(optionsFromEnvironment({ PEERAGE_INTERVAL_MS: ` ${ms}\n` })).toEqual({ intervalMs: ms });
      }),
    );
  });
});
