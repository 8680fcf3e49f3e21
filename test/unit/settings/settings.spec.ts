import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolveSettings } from '../../../lib/settings/settings.js';
import { formatNodeName, parseNodeName } from '../../../lib/naming/node-name.js';
import type { Environment } from '../../../lib/settings/settings.js';
import type { PeerageModuleOptions } from '../../../lib/peerage.options.js';
import { thrownBy } from '../../support/errors.js';

const secret = 'sixteen bytes or more';
const external = (address: string) => [{ address, internal: false }] as never;

function around(overrides: Partial<Environment> = {}): Environment {
  return { env: {}, interfaces: () => ({}), packageName: () => 'shop', ...overrides };
}

const resolve = (options: PeerageModuleOptions, overrides?: Partial<Environment>) =>
  resolveSettings(options, around(overrides));

const faultsOf = async (options: unknown) =>
  (await thrownBy(() => resolve(options as PeerageModuleOptions))).message.split('\n').slice(1).join('\n');

describe('the defaults', () => {
  it('keep a node without secret to this machine', () => {
    const settings = resolve({});
    expect(settings).toMatchObject({
      appName: 'shop',
      cluster: 'shop',
      bind: '127.0.0.1',
      host: '127.0.0.1',
      port: 4370,
      portIsFixed: false,
      security: { kind: 'none' },
      intervalMs: 10_000,
      syncOffsetMs: 0,
      logResults: true,
      meta: {},
    });
    expect(settings.via.map((via) => (via as { name?: string }).name)).toEqual(['self']);
    expect(settings.limits.frameBytes).toBe(4 * 1024 * 1024);
    expect(settings).not.toHaveProperty('waitFor');
  });

  it('listen everywhere with a secret, and keep options over defaults', () => {
    const settings = resolve({ secret, port: 5000, heartbeat: { intervalMs: 10, downMs: 9_000 } });
    expect(settings).not.toHaveProperty('bind');
    expect(settings).toMatchObject({ port: 5000, portIsFixed: true });
    expect(settings.security).toEqual({ kind: 'secret', secrets: [secret] });
    expect(settings.heartbeat).toEqual({ intervalMs: 10, suspectMs: 2_500, downMs: 9_000, capMs: 20_000 });
  });

  it('take options that are undefined as left out', () => {
    const options = { secret: undefined, port: undefined, limits: { dials: undefined } };
    const settings = resolve(options);
    expect(settings).toMatchObject({ port: 4370, portIsFixed: false, security: { kind: 'none' } });
    expect(settings.limits.dials).toBe(32);
  });

  it('make an empty via one that finds only itself', () => {
    expect(resolve({ via: [] }).via).toHaveLength(1);
  });

  it('fall back to node when package.json has no name that fits', () => {
    expect(resolve({}, { packageName: () => undefined }).appName).toBe('node');
    expect(resolve({}, { packageName: () => 'not fit' }).appName).toBe('node');
  });
});

describe('the host told to peers', () => {
  const machine = {
    interfaces: () => ({
      lo: [{ address: '127.0.0.1', internal: true }] as never,
      eth0: external('10.1.1.1'),
    }),
  };
  const linkOnly = { interfaces: () => ({ a: external('fe80::1'), c: external('169.254.7.1') }) };
  const all = { env: { PEERAGE_HOST: 'from.env', POD_IP: '10.9.9.9' }, ...machine };
  const pod = { env: { POD_IP: '10.9.9.9' }, ...machine };

  it.each([
    ['the option', { secret, host: 'Told.Host' }, all, 'told.host'],
    ['the name', { secret, name: 'app@named.host' }, all, 'named.host'],
    ['PEERAGE_HOST', { secret }, all, 'from.env'],
    ['PEERAGE_HOST on loopback', {}, all, 'from.env'],
    ['the address listened on', { secret, bind: '10.2.2.2' }, pod, '10.2.2.2'],
    ['POD_IP', { secret }, pod, '10.9.9.9'],
    ['POD_IP for a wildcard', { secret, bind: '::' }, pod, '10.9.9.9'],
    ['loopback, which POD_IP cannot reach', {}, pod, '127.0.0.1'],
    ['loopback by name', { bind: 'localhost' }, pod, '127.0.0.1'],
    ['IPv6 loopback', { bind: '::1' }, pod, '::1'],
    ['the first external address', { secret }, machine, '10.1.1.1'],
    ['loopback without any network', { secret }, {}, '127.0.0.1'],
    ['link-local when there is no other', { secret }, linkOnly, '169.254.7.1'],
    [
      'IPv6 rather than link-local',
      { secret },
      { interfaces: () => ({ ...linkOnly.interfaces(), b: external('fd00::1') }) },
      'fd00::1',
    ],
    [
      'IPv4 before IPv6, and nothing link-local',
      { secret },
      { interfaces: () => ({ a: external('fe80::1'), b: external('fd00::1'), c: external('10.3.3.3') }) },
      '10.3.3.3',
    ],
  ] satisfies [string, PeerageModuleOptions, Partial<Environment>, string][])(
    'is %s',
    (_what, options, overrides, host) => {
      expect(resolve(options, overrides).host).toBe(host);
    },
  );

  it.each([
    ['an address in brackets', { secret, host: '[FD00::6]' }, {}, 'fd00::6'],
    ['PEERAGE_HOST in brackets', { secret }, { env: { PEERAGE_HOST: '[fd00::6]' } }, 'fd00::6'],
    ['listened on, in brackets', { secret, bind: '[::1]' }, {}, '::1'],
    ['the first of two in POD_IP', { secret }, { env: { POD_IP: '10.244.0.6,fd00::6' } }, '10.244.0.6'],
    ['the usable one in POD_IP', { secret }, { env: { POD_IP: ' , [fd00::6] 10.0.0.1' } }, 'fd00::6'],
  ] satisfies [string, PeerageModuleOptions, Partial<Environment>, string][])(
    'may be %s',
    (_what, options, overrides, host) => {
      const settings = resolve(options, { ...machine, ...overrides });
      expect(settings.host).toBe(host);
      expect(settings.warnings).toEqual([]);
    },
  );

  it.each([
    ['$(POD_IP)', 'was not expanded'],
    ['${POD_IP}', 'was not expanded'],
    ['<none>', 'is no address'],
    ['0.0.0.0', 'is no address'],
    ['node-7', 'is no address'],
  ])('is detected when POD_IP is %j, with one warning', (text, why) => {
    const { host, hostIsDetected, warnings } = resolve({ secret }, { ...machine, env: { POD_IP: text } });
    expect(host).toBe('10.1.1.1');
    expect(hostIsDetected).toBe(true);
    expect(warnings).toEqual([expect.stringMatching(`^POD_IP="[^"]+" ${why}.*10\\.1\\.1\\.1$`)]);
  });

  it('never ends a start for what is in POD_IP', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.ipV4(), fc.ipV6(), fc.webUrl()), (text) => {
        const settings = resolve({ secret }, { ...machine, env: { POD_IP: text } });
        expect(() => parseNodeName(formatNodeName({ app: 'a', host: settings.host, port: 1 }))).not.toThrow();
        expect(settings.warnings.length).toBe(settings.hostIsDetected && text.trim() !== '' ? 1 : 0);
      }),
    );
  });

  it('is told with the reason for it', () => {
    expect(resolve({ secret }, machine).hostBecause).toContain('first external address');
    expect(resolve({ secret }, linkOnly).hostBecause).toContain('link-local');
    expect(resolve({ secret }, {}).hostBecause).toContain('no address that others reach');
  });

  it('is detected in no other way than by looking at the interfaces', () => {
    expect(resolve({ secret }, machine).hostIsDetected).toBe(true);
    expect(resolve({ secret }, pod).hostIsDetected).toBe(false);
    expect(resolve({}, machine).hostIsDetected).toBe(false);
  });

  it('says of a variable that was not expanded that it was not', async () => {
    const error = await thrownBy(() => resolve({ secret }, { env: { PEERAGE_HOST: '$(POD_IP)' } }));
    expect(error.message).toContain('PEERAGE_HOST: "$(POD_IP)" was not expanded');
  });

  it('is refused when the variable makes no sense', async () => {
    const error = await thrownBy(() => resolve({ secret }, { env: { PEERAGE_HOST: 'http://x' } }));
    expect(error.message).toContain('PEERAGE_HOST: "http://x" does not work');
  });
});

describe('faults', () => {
  it('are reported all at once, each with what to do', async () => {
    const error = await thrownBy(() =>
      resolve({ port: 70_000, intervalMs: 0, secert: 'x', via: 'dns:x', limits: { dails: 3 } } as never),
    );
    expect(error.code).toBe('INVALID_OPTIONS');
    expect(error.message.split('\n')).toEqual([
      'Peerage cannot start, 5 options need a change:',
      '  - port: 70000 does not work; give an integer from 0 to 65535 (0: any free port).',
      '  - intervalMs: 0 does not work; give an integer from 1 to 1000000000 (milliseconds).',
      '  - secert: there is no such option; did you mean "secret"?',
      `  - via: "dns:x" is no provider; give one such as viaList(['myapp@10.0.0.1']), a function, or a class.`,
      '  - limits.dails: there is no such option; did you mean "dials"?',
    ]);
  });

  it.each<[string, unknown, string]>([
    ['no options', null, 'options: null does not work'],
    ['an unknown option far from any', { hovercraft: 1 }, 'hovercraft: there is no such option; remove it.'],
    ['an option named like a method', { toString: 1 }, 'toString: there is no such option'],
    ['a short secret', { secret: 'short' }, 'secret: is 5 bytes long; at least 16 are needed'],
    ['one short secret of two', { secret: [secret, 'short'] }, 'secret[1]: is 5 bytes long'],
    ['no secret in the list', { secret: [] }, 'secret: is an empty list'],
    ['a secret that is no text', { secret: 12 }, 'secret: a secret is a string.'],
    ['plaintext beyond loopback', { bind: '0.0.0.0' }, 'bind: other machines could join at 0.0.0.0'],
    ['plaintext beside a secret', { secret, insecure: true }, 'insecure: asks for plaintext beside secret'],
    ['a bind with a port', { bind: '127.0.0.1:80' }, 'bind: "127.0.0.1:80" does not work'],
    ['a wildcard host', { host: '0.0.0.0' }, 'host: "0.0.0.0" is no address that peers can dial'],
    ['another host than the name says', { name: 'a@h', host: 'b' }, 'host: is "b", but name says "h"'],
    ['a malformed name', { name: 'nonsense' }, 'name: "nonsense" is not a node name'],
    ['an app name with an @', { appName: 'a@b' }, 'appName: "a@b" does not work'],
    [
      'an app name with spaces',
      { appName: 'NestJS API' },
      'appName: "NestJS API" does not work; give a name without @ and spaces, such as "nestjs-api".',
    ],
    [
      'an app name with a scope',
      { appName: '@org/My shop' },
      'appName: "@org/My shop" does not work; give a name without @ and spaces, such as "my-shop".',
    ],
    [
      'an app name of nothing',
      { appName: ' @ ' },
      'appName: " @ " does not work; give a name without @ and spaces, such as "myapp".',
    ],
    [
      'a secret of a list that is undefined',
      { secret: [undefined] },
      'secret[0]: is undefined; is the variable set',
    ],
    [
      'a secret that is none yet',
      { secret: '$(CLUSTER_SECRET)' },
      'secret: was not expanded by whoever sets it: it is $(CLUSTER_SECRET), which anybody can guess.',
    ],
    ['an app name that is none yet', { appName: '${APP}' }, 'appName: "${APP}" was not expanded by'],
    ['a cluster that is none yet', { cluster: '{{ app }}' }, 'cluster: "{{ app }}" was not expanded by'],
    ['an empty cluster', { cluster: '' }, 'cluster: "" does not work'],
    ['a flag that is text', { insecure: 'true' }, 'insecure: "true" does not work; give true or false.'],
    [
      'a heartbeat in disorder',
      { heartbeat: { intervalMs: 3_000 } },
      'heartbeat: intervalMs (3000) must be less',
    ],
    ['an unknown beat', { heartbeat: { interval: 3 } }, 'heartbeat.interval: there is no such option'],
    [
      'a hello larger than frames',
      { limits: { frameBytes: 13_000 } },
      'limits.helloBytes: 16384 is more than',
    ],
    [
      'a message larger than the queue',
      { limits: { messageBytes: 17_000_000 } },
      'limits.messageBytes: 17000000 is more than',
    ],
    ['half a waitFor', { waitFor: { peers: 1 } }, 'waitFor.timeoutMs: is missing.'],
    [
      'more awaited peers than allowed',
      { waitFor: { peers: 3, timeoutMs: 1 }, limits: { peers: 2 } },
      'waitFor.peers: 3 is more than limits.peers (2) allows',
    ],
    ['a provider without poll', { via: {} }, 'via: has no method poll()'],
    ['a hole among providers', { via: [() => [], undefined] }, 'via[1]: undefined is no provider'],
    ['a serve that is none', { via: { poll: () => [], serve: 1 } }, 'via.serve: is no method.'],
    ['half of tls', { tls: { ca: 'x', cert: 'x' } }, 'tls.key: is missing.'],
    ['tls that is no PEM', { tls: { ca: 'x', cert: 'x', key: 'x' } }, 'tls.ca: has no certificate'],
    ['tls and a secret', { secret, tls: { ca: 'x' } }, 'tls: is given beside secret'],
    ['meta that is no object', { meta: [] }, 'meta: give a plain object'],
  ])('tell of %s', async (_what, options, message) => {
    expect(await faultsOf(options)).toContain(`  - ${message}`);
  });

  it('never show a secret', async () => {
    const faults = await faultsOf({ secret: ['hunter2', secret], tls: { key: 'PRIVATE-hunter3' } });
    expect(faults).not.toMatch(/hunter|sixteen/);
  });

  it.each([
    ['a name with a port', { name: 'a@127.0.0.1:4001' }, 'a@127.0.0.1:4001', 4001, true],
    ['a name with the default port', { name: 'a@127.0.0.1:4370' }, 'a@127.0.0.1', 4370, true],
    ['a name and another port', { name: 'a@127.0.0.1', port: 5000 }, 'a@127.0.0.1', 5000, true],
  ])('listens where %s says', (_, options, name, port, portIsFixed) => {
    const settings = resolveSettings(options);
    expect(formatNodeName(settings.name!)).toBe(name);
    expect(settings).toMatchObject({ port, portIsFixed });
  });

  it('leaves the port open for a name that has none', () => {
    const settings = resolveSettings({ name: 'a@127.0.0.1', appName: 'b' });
    expect(settings.name).toBeUndefined();
    expect(settings).toMatchObject({
      appName: 'a',
      host: '127.0.0.1',
      port: 4370,
      portIsFixed: false,
      cluster: 'b',
    });
  });
});
