import type { KubeAddress } from './kube-names.js';
import { addressesIn } from './kube-names.js';
import type { KubeEvent, KubeList } from './kube-api.js';
import type { KubeSettings } from './kube-options.js';

/** The addresses of what has changed. */
export interface KubeChange {
  readonly before: readonly KubeAddress[];
  readonly after: readonly KubeAddress[];
}

/** The objects as the last list and the events since then tell. */
export class KubeCache {
  resourceVersion = '';
  private readonly addresses = new Map<string, readonly KubeAddress[]>();
  private heardAtMs = -Infinity;

  constructor(private readonly settings: KubeSettings) {}

  /** Heard of so lately that nobody needs to be asked. */
  isFresh(withinMs: number): boolean {
    return performance.now() - this.heardAtMs < withinMs;
  }

  /** Says that nothing is heard any more. */
  goStale(): void {
    this.heardAtMs = -Infinity;
  }

  take({ items, resourceVersion }: KubeList): void {
    this.addresses.clear();
    for (const item of items) this.addresses.set(keyOf(item), addressesIn(item, this.settings));
    this.resourceVersion = resourceVersion;
    this.heardAtMs = performance.now();
  }

  apply({ type, object }: KubeEvent): KubeChange {
    this.heardAtMs = performance.now();
    const { resourceVersion } = metadataOf(object);
    if (typeof resourceVersion === 'string') this.resourceVersion = resourceVersion;
    if (type === 'BOOKMARK') return { before: [], after: [] };
    const key = keyOf(object);
    const before = this.addresses.get(key) ?? [];
    const after = type === 'DELETED' ? [] : addressesIn(object, this.settings);
    if (type === 'DELETED') this.addresses.delete(key);
    else this.addresses.set(key, after);
    return { before, after };
  }

  all(): KubeAddress[] {
    return [...this.addresses.values()].flat();
  }
}

function keyOf(object: unknown): string {
  return String(metadataOf(object).name);
}

function metadataOf(object: unknown): { name?: unknown; resourceVersion?: unknown } {
  const { metadata } = (object ?? {}) as { metadata?: unknown };
  return typeof metadata === 'object' && metadata !== null ? metadata : {};
}
