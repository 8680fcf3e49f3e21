import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { kubeSettings } from '../../lib/via/kubernetes/kube-options.js';
import type { ViaKubernetesOptions } from '../../lib/via/kubernetes/index.js';
import { viaKubernetes } from '../../lib/via/kubernetes/index.js';
import { describeProvider } from '../../lib/testing/index.js';
import type { ProviderFixtures } from '../../lib/testing/index.js';
import { FakeKubeApi, pod, slice } from '../support/providers/kube-api.js';
import { has } from '../support/requirements.mjs';

// There is no Kubernetes where these tests run: they talk to a server of ours that speaks its API.
describe.skipIf(!has('openssl'))('viaKubernetes, on a server that speaks the API', () => {
  let api: FakeKubeApi;
  let aborter: AbortController;
  let found: string[];
  let serving: Promise<void>;
  beforeAll(async () => void (api = await FakeKubeApi.start()));
  afterAll(() => api.stop());
  beforeEach(() => {
    aborter = new AbortController();
    found = [];
    serving = Promise.resolve();
  });
  afterEach(async () => {
    aborter.abort();
    await serving.catch(() => {});
    clear();
    Object.assign(api, {
      denied: new Set(),
      takesNoVersion: false,
      broken: undefined,
      dripMs: 0,
      pageSize: Infinity,
      maxWatchMs: Infinity,
      onPage: () => {},
    });
    api.renewToken();
    await api.listen();
  });

  const clear = () => {
    for (const kind of ['pods', 'endpointslices'] as const)
      for (const name of api.names(kind)) api.remove(kind, name);
  };
  const provider = (options: ViaKubernetesOptions = { service: 'web' }) =>
    viaKubernetes({ server: api.url, accountFolder: api.accountFolder, ...options });
  const self = { name: 'kit@10.9.9.9:4001', bootId: '1', host: '10.9.9.9', port: 4001, meta: {} };
  const poll = async (options?: ViaKubernetesOptions, timeoutMs = 5_000) => {
    const signal = AbortSignal.timeout(timeoutMs);
    return [...(await provider(options).poll({ self, signal }))].sort();
  };
  const serve = (one = provider()) => {
    const collect = (names: Iterable<string>) => void found.push(...names);
    serving = one.serve!({ self, signal: aborter.signal, found: collect });
    serving.catch(() => {});
    return one;
  };
  const finds = (name: string) => vi.waitFor(() => expect(found).toContain(name), { timeout: 10_000 });
  const isWatched = () => vi.waitFor(() => expect(api.watchCount).toBe(1), { timeout: 10_000 });

  const hostOf = (name: string) => name.slice(name.indexOf('@') + 1, name.lastIndexOf(':'));
  const asSlices = (names: readonly string[]) => {
    const hosts = names.map(hostOf);
    const wanted = new Map<string, string[]>();
    hosts.forEach((host, i) => {
      const name = `web-${Math.floor(i / 100)}`;
      wanted.set(name, [...(wanted.get(name) ?? []), host]);
    });
    for (const name of api.names('endpointslices')) if (!wanted.has(name)) api.remove('endpointslices', name);
    for (const [name, addresses] of wanted) api.put('endpointslices', slice(name, addresses));
  };
  const fixtures: ProviderFixtures = {
    hold: asSlices,
    addGarbage: (texts) => {
      api.put('endpointslices', slice('web-garbage', texts));
      const labels = { 'kubernetes.io/service-name': 'web' };
      api.put('endpointslices', { metadata: { name: 'web-odd', labels }, endpoints: [null, 7, {}] });
    },
    fail: () => api.down(),
    hang: () => api.hang(),
    heal: () => api.listen(),
    pushes: true,
  };
  describeProvider(provider, fixtures, { describe, it, title: 'keeps the contract' });

  describe('EndpointSlices', () => {
    it('give addresses of every slice of the service and of no other, by named port, own port, or option', async () => {
      api.put('endpointslices', slice('web-a', ['10.0.0.1', '10.0.0.2'], { port: 7_000 }));
      api.put('endpointslices', slice('web-b', ['fd00::1']));
      api.put('endpointslices', slice('db-a', ['10.0.0.9'], { service: 'db' }));
      expect(await poll()).toEqual(['kit@10.0.0.1:4001', 'kit@10.0.0.2:4001', 'kit@[fd00::1]:4001']);
      expect(await poll({ service: 'web', portName: 'mesh', appName: 'x' })).toEqual([
        'x@10.0.0.1:7000',
        'x@10.0.0.2:7000',
        'x@[fd00::1]:4001',
      ]);
      expect(await poll({ service: 'web', portName: 'nosuch', port: 9 })).toContain('kit@10.0.0.1:9');
    });

    it('count pods that are not ready, unless told otherwise, and none that ends', async () => {
      api.put('endpointslices', slice('web-a', ['10.0.0.1']));
      api.put('endpointslices', slice('web-b', ['10.0.0.2'], { ready: false }));
      api.put('endpointslices', slice('web-c', ['10.0.0.3'], { ready: false, terminating: true }));
      expect(await poll()).toEqual(['kit@10.0.0.1:4001', 'kit@10.0.0.2:4001']);
      expect(await poll({ service: 'web', includeNotReady: false })).toEqual(['kit@10.0.0.1:4001']);
    });
  });

  describe('pods', () => {
    it('give their addresses by label', async () => {
      api.put('pods', pod('web-1', ['10.0.0.1', 'fd00::1']));
      api.put('pods', pod('web-2', ['10.0.0.2'], { isReady: false }));
      api.put('pods', pod('web-3', ['10.0.0.3'], { phase: 'Succeeded' }));
      api.put('pods', pod('web-4', ['10.0.0.4'], { isEnding: true }));
      api.put('pods', pod('web-5', [], { phase: 'Pending' }));
      const selector = 'app=web';
      expect(await poll({ selector })).toEqual([
        'kit@10.0.0.1:4001',
        'kit@10.0.0.2:4001',
        'kit@[fd00::1]:4001',
      ]);
      expect(await poll({ selector, includeNotReady: false, portName: 'mesh' })).toEqual([
        'kit@10.0.0.1:5001',
        'kit@[fd00::1]:5001',
      ]);
      expect(await poll({ selector: 'app=other' })).toEqual([]);
    });

    it('are found when they get an address', async () => {
      serve(provider({ selector: 'app=web' }));
      await isWatched();
      api.put('pods', pod('web-1', [], { phase: 'Pending' }));
      api.put('pods', pod('web-1', ['10.0.0.1'], { isReady: false }));
      await finds('kit@10.0.0.1:4001');
    });
  });

  describe('a list', () => {
    const addresses = Array.from({ length: 25 }, (_, i) => `10.0.1.${i}`);
    const fill = () => addresses.forEach((ip) => api.put('endpointslices', slice(`web-${ip}`, [ip])));

    it('is read page by page', async () => {
      api.pageSize = 4;
      fill();
      expect(await poll()).toHaveLength(25);
      expect(api.requests.slice(-6).filter((url) => url.includes('continue='))).toHaveLength(6);
    });

    it('is read anew when its rest has expired', async () => {
      api.pageSize = 20;
      fill();
      let isFirst = true;
      api.onPage = () => {
        if (isFirst) api.compact();
        isFirst = false;
      };
      expect(await poll()).toHaveLength(25);
    });

    it('may come slowly, but not for ever', async () => {
      api.dripMs = 5;
      api.put('endpointslices', slice('web-a', ['10.0.0.1']));
      expect(await poll()).toEqual(['kit@10.0.0.1:4001']);
      api.dripMs = 200;
      await expect(poll(undefined, 500)).rejects.toMatchObject({ code: 'PROVIDER_TIMEOUT' });
    });

    it('asks again after a poll once its watch says nothing more', async () => {
      const one = serve();
      await isWatched();
      const lists = () => api.requests.filter((url) => !url.includes('watch=true')).length;
      const before = lists();
      await one.poll({ self, signal: aborter.signal });
      expect(lists()).toBe(before);
      await api.down();
      await vi.waitFor(
        () =>
          expect(Promise.resolve(one.poll({ self, signal: aborter.signal }))).rejects.toThrow(/ECONNREFUSED/),
        { timeout: 5_000 },
      );
    });
  });

  describe('a watch', () => {
    it('goes on where it was, or where a bookmark took it, after the server ended it', async () => {
      const asked = (what: 'list' | 'watch') =>
        api.requests.filter((url) => url.includes('watch=true') === (what === 'watch')).length;
      serve();
      await isWatched();
      const [lists, watches] = [asked('list'), asked('watch')];
      api.bookmark();
      api.compact();
      api.bookmark();
      api.maxWatchMs = 50;
      api.dropWatches();
      await vi.waitFor(() => expect(asked('watch')).toBeGreaterThan(watches + 1), { timeout: 10_000 });
      api.put('endpointslices', slice('web-a', ['10.0.0.1']));
      await finds('kit@10.0.0.1:4001');
      expect(asked('list')).toBe(lists);
    });

    it('begins again with a list when its version is too old', async () => {
      serve();
      await isWatched();
      api.compact(true);
      api.put('endpointslices', slice('web-a', ['10.0.0.1']));
      await finds('kit@10.0.0.1:4001');
      await isWatched();
      api.put('endpointslices', slice('web-b', ['10.0.0.2']));
      await finds('kit@10.0.0.2:4001');
    });

    it('asks ever more slowly a server that takes no version at all', async () => {
      api.takesNoVersion = true;
      serve();
      await vi.waitFor(() => expect(api.requests.length).toBeGreaterThanOrEqual(4), { timeout: 10_000 });
      const before = api.requests.length;
      await sleep(500);
      expect(api.requests.length - before).toBeLessThanOrEqual(4);
      api.takesNoVersion = false;
      api.put('endpointslices', slice('web-a', ['10.0.0.1']));
      await finds('kit@10.0.0.1:4001');
    });

    it('begins again when the connection broke', async () => {
      serve();
      await isWatched();
      api.dropConnections();
      api.put('endpointslices', slice('web-a', ['10.0.0.1']));
      await finds('kit@10.0.0.1:4001');
    });

    it('forgets what was removed', async () => {
      const one = serve();
      api.put('endpointslices', slice('web-a', ['10.0.0.1']));
      await finds('kit@10.0.0.1:4001');
      await isWatched();
      api.remove('endpointslices', 'web-a');
      await vi.waitFor(async () => expect(await one.poll({ self, signal: aborter.signal })).toEqual([]));
    });
  });

  describe('the token', () => {
    it('is read anew, since it is renewed', async () => {
      serve();
      await isWatched();
      api.renewToken();
      api.put('endpointslices', slice('web-a', ['10.0.0.1']));
      expect(await poll()).toEqual(['kit@10.0.0.1:4001']);
      api.dropConnections();
      api.put('endpointslices', slice('web-b', ['10.0.0.2']));
      await finds('kit@10.0.0.2:4001');
    });

    it('that is not accepted is told of', async () => {
      api.renewToken(false);
      const polling = poll();
      await expect(polling).rejects.toMatchObject({ code: 'PROVIDER_FAILED' });
      await expect(polling).rejects.toThrow(/401.*Unauthorized.*service account/);
      serve();
      await expect(serving).rejects.toThrow(/401/);
    });
  });

  describe('a right that is missing', () => {
    it.each<['list' | 'watch', ViaKubernetesOptions, RegExp]>([
      [
        'list',
        { service: 'web' },
        /apiGroups: \["discovery.k8s.io"\], resources: \["endpointslices"\], verbs/,
      ],
      [
        'list',
        { selector: 'app=web' },
        /apiGroups: \[""\], resources: \["pods"\], verbs: \["list", "watch"\]/,
      ],
      ['watch', { service: 'web' }, /resources: \["endpointslices"\], verbs: \["list", "watch"\]/],
    ])('to %s is told of, with the rule: %j', async (verb, options, rule) => {
      api.denied = new Set([verb]);
      if (verb === 'list') {
        await expect(poll(options)).rejects.toThrow(rule);
        await expect(poll(options)).rejects.toThrow(/403.*system:serviceaccount:prod:default.*cannot list/);
      }
      serve(provider(options));
      await expect(serving).rejects.toMatchObject({ code: 'PROVIDER_FAILED' });
      await expect(serving).rejects.toThrow(rule);
    });
  });

  it('waits for a server that fails', async () => {
    api.broken = 500;
    await expect(poll()).rejects.toThrow(/500: etcdserver: request timed out.*overloaded/);
    serve();
    await new Promise((resolve) => setTimeout(resolve, 100));
    api.broken = undefined;
    api.put('endpointslices', slice('web-a', ['10.0.0.1']));
    await finds('kit@10.0.0.1:4001');
  });

  it('trusts no server that another authority vouches for', async () => {
    const other = await FakeKubeApi.start();
    try {
      await expect(poll({ service: 'web', server: other.url })).rejects.toThrow(/certificate|signature/i);
    } finally {
      await other.stop();
    }
  });
});

describe('the settings of viaKubernetes', () => {
  it('come from the environment and the service account', () => {
    const env = {
      KUBERNETES_SERVICE_HOST: 'fd00::1',
      KUBERNETES_SERVICE_PORT: '6443',
      POD_NAMESPACE: 'prod',
      PEERAGE_KUBERNETES_SERVICE: 'web',
    };
    expect(kubeSettings({}, env)).toMatchObject({
      server: 'https://[fd00::1]:6443',
      namespace: 'prod',
      kind: 'endpointslices',
      labelSelector: 'kubernetes.io/service-name=web',
      includeNotReady: true,
    });
    expect(kubeSettings({ selector: 'app=x', namespace: 'y' }, env)).toMatchObject({
      namespace: 'y',
      kind: 'pods',
      labelSelector: 'app=x',
    });
    expect(kubeSettings({ service: 'w' }, {})).toMatchObject({
      server: 'http://127.0.0.1:8001',
      namespace: 'default',
    });
  });

  it.each<[ViaKubernetesOptions, RegExp]>([
    [{}, /one of service and selector/],
    [{ service: 'a', selector: 'b=c' }, /one of service and selector/],
    [{ service: 'A b' }, /service "A b"/],
    [{ service: 'a', namespace: '../kube-system' }, /namespace/],
    [{ service: 'a', port: 0, server: 'kubernetes' }, /port 0.*server "kubernetes"/],
  ])('%j are refused', (options, why) => {
    expect(() => kubeSettings(options, {})).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
    expect(() => kubeSettings(options, {})).toThrow(why);
  });
});
