import type { Type } from '@nestjs/common';
import type { PeerageProvider, PollFunction, Via } from './provider.js';

/** A function among the values of `via`: a class to be created, or a poll function to be called? */
export function isProviderClass(via: Via): via is Type<PeerageProvider> {
  if (typeof via !== 'function') return false;
  const isClass = /^class\b/.test(Function.prototype.toString.call(via));
  return isClass || typeof (via.prototype as PeerageProvider | undefined)?.poll === 'function';
}

/** Dresses a poll function as a provider, under the function's own name when somebody gave it one. */
export function viaFunction(poll: PollFunction): PeerageProvider {
  // `via: () => [...]` names its arrow function "via", which tells nobody anything.
  const name = poll.name === '' || poll.name === 'via' ? 'function' : poll.name;
  return { name, poll: (context) => poll(context) };
}
