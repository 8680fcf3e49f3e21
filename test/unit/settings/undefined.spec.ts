import { describe, expect, it } from 'vitest';
import type {
  PeerageModuleOptions,
  PeerageProvider,
  RequestOptions,
  ViaDnsOptions,
  ViaLocalOptions,
  ViaUdpOptions,
  WaitForOptions,
  WaitOptions,
} from '../../../lib/index.js';
import type { PeerageClientOptions } from '../../../lib/microservices/index.js';
import { resolveSettings } from '../../../lib/settings/settings.js';
import type {
  DescribeProviderOptions,
  TestClusterOptions,
  UntilOptions,
} from '../../../lib/testing/index.js';
import type { ViaKubernetesOptions } from '../../../lib/via/kubernetes/index.js';
import type { ViaPostgresOptions } from '../../../lib/via/postgres/index.js';
import type { ViaRedisOptions } from '../../../lib/via/redis/index.js';

/** The names of the fields that may be left out. */
type OptionalKey<T> = { [Key in keyof T]-?: object extends Pick<T, Key> ? Key : never }[keyof T];

/** Of the fields that may be left out, those that cannot be given as undefined under `exactOptionalPropertyTypes`. */
type Exact<T> = {
  [Key in OptionalKey<T>]: Record<Key, undefined> extends Pick<T, Key> ? never : Key;
}[OptionalKey<T>];

/** Does not compile when a field is exact. */
const exact = <T>(...none: Exact<T>[]): number => none.length;

describe('every option', () => {
  it('may be given as undefined, by its type', () => {
    const counts = [
      exact<PeerageModuleOptions>(),
      exact<NonNullable<PeerageModuleOptions['limits']>>(),
      exact<NonNullable<PeerageModuleOptions['heartbeat']>>(),
      exact<NonNullable<PeerageModuleOptions['tls']>>(),
      exact<WaitForOptions>(),
      exact<WaitOptions>(),
      exact<RequestOptions>(),
      exact<ViaDnsOptions>(),
      exact<ViaUdpOptions>(),
      exact<ViaLocalOptions>(),
      exact<ViaRedisOptions>(),
      exact<ViaPostgresOptions>(),
      exact<ViaKubernetesOptions>(),
      exact<PeerageClientOptions>(),
      exact<TestClusterOptions<never>>(),
      exact<UntilOptions>(),
      exact<DescribeProviderOptions>(),
      // A method may not: this shows that the type finds what is exact.
      exact<Pick<PeerageProvider, 'serve'>>('serve'),
    ];
    expect(counts).toEqual([...counts.slice(0, -1).fill(0), 1]);
  });

  it('that is undefined has its default', () => {
    const settings = resolveSettings({ appName: 'a' });
    const { limits, heartbeat, secretIsUndefined, via, ...others } = settings;
    expect(secretIsUndefined).toBe(false);
    const none = (of: object) => Object.fromEntries(Object.keys(of).map((key) => [key, undefined]));
    const names = [
      'name',
      'cluster',
      'host',
      'bind',
      'port',
      'tls',
      'insecure',
      'meta',
      'intervalMs',
      'syncOffsetMs',
    ];
    const undefinedOnes = Object.fromEntries(
      [...names, 'logResults', 'waitFor', 'secret', 'via'].map((key) => [key, undefined]),
    );
    const given = resolveSettings({
      ...undefinedOnes,
      appName: 'a',
      limits: none(limits),
      heartbeat: none(heartbeat),
    });
    expect(given).toMatchObject({ ...others, limits, heartbeat, secretIsUndefined: true });
    expect(given.via).toHaveLength(via.length);
  });
});
