import type { NodeInfo } from '../../naming/node-info.js';
import type { PeerageProvider } from '../provider.js';
import { KubeApi } from './kube-api.js';
import { KubeCache } from './kube-cache.js';
import { kubeFailure } from './kube-errors.js';
import type { KubeAddress } from './kube-names.js';
import { addressesIn, nameAt } from './kube-names.js';
import type { KubeSettings, ViaKubernetesOptions } from './kube-options.js';
import { kubeProviderName, kubeSettings } from './kube-options.js';
import { KubeSession } from './kube-session.js';

/**
 * A watch that said something so lately is believed; else the API is asked. A connection that is dead without a
 * word is as quiet as a cluster in which nothing changes.
 */
const FRESH_MS = 15_000;

/**
 * Finds nodes by the Kubernetes API: the pods behind a service, or those with certain labels. It lists and
 * then watches, so that a new pod is dialled when it has an address and not at the next poll. The pod's
 * service account needs the right to `list` and `watch` `endpointslices` (or `pods`) in the namespace.
 *
 * @throws PeerageError `INVALID_OPTIONS`. Its `poll` rejects with `PROVIDER_FAILED` and `PROVIDER_TIMEOUT`.
 * @publicApi
 */
export function viaKubernetes(options: ViaKubernetesOptions = {}): PeerageProvider {
  const settings = kubeSettings(options);
  const api = new KubeApi(settings);
  const cache = new KubeCache(settings);
  return {
    name: kubeProviderName(settings),
    poll: async ({ self, signal }) => {
      const addresses = cache.isFresh(FRESH_MS) ? cache.all() : await ask(api, settings, signal);
      return namesOf(addresses, self, settings);
    },
    serve: (context) => new KubeSession(api, cache, settings, context).run(),
  };
}

async function ask(api: KubeApi, settings: KubeSettings, signal: AbortSignal): Promise<KubeAddress[]> {
  try {
    const { items } = await api.list(signal);
    return items.flatMap((item) => addressesIn(item, settings));
  } catch (error) {
    throw kubeFailure(error, settings, signal);
  }
}

function namesOf(addresses: readonly KubeAddress[], self: NodeInfo, settings: KubeSettings): string[] {
  const names = addresses.map((address) => nameAt(address, self, settings));
  return [...new Set(names.filter((name) => name !== undefined))];
}
