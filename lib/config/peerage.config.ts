import { registerAs } from '@nestjs/config';
import type { PeerageModuleOptions } from '../peerage.options.js';
import { optionsFromEnvironment } from './environment.js';
import { markFromEnvironment } from './vain-variables.js';

/**
 * The options of `PeerageModule` from the `PEERAGE_*` variables, under the name `peerage`:
 *
 * ```ts
 * PeerageModule.forRootAsync(peerageConfig.asProvider())
 * ```
 *
 * @throws PeerageError `INVALID_OPTIONS` when it is loaded and a variable does not work.
 * @publicApi
 */
export const peerageConfig = registerAs('peerage', (): PeerageModuleOptions =>
  markFromEnvironment(optionsFromEnvironment()),
);
