import { resolveSettings } from '../../lib/settings/settings.js';
import type { PeerageModuleOptions, PeerageSettings } from '../../lib/peerage.options.js';

/** Settings that depend on nothing of the machine they are made on. */
export function settings(options: PeerageModuleOptions = {}): PeerageSettings {
  return resolveSettings(
    { appName: 'app', host: '127.0.0.1', ...options },
    { env: {}, interfaces: () => ({}), packageName: () => undefined },
  );
}
