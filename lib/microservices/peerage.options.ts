import type { Deserializer, Serializer } from '@nestjs/microservices';
import type { ClusterService } from '../cluster/cluster.service.js';
import type { ClusterEventOf, ClusterEventType } from '../cluster/cluster.events.js';
import { PeerageError } from '../errors/peerage-error.js';
import { assertOptionNames, type OptionNames } from '../naming/option-names.js';

/**
 * The transport of `PeerageServer`, for handlers that are meant for no other:
 * `@MessagePattern('sum', PEERAGE)`.
 *
 * @publicApi
 */
export const PEERAGE = Symbol('peerage');

/** The events of a server and a client: those of the cluster. */
export type PeerageEvents = {
  [T in ClusterEventType]: (event: ClusterEventOf<T>) => unknown;
};

/** What servers and clients have in common. */
export interface PeerageTransportOptions {
  /** The cluster of the app. */
  readonly cluster: ClusterService;
  /** @default packets travel as they are */
  readonly serializer?: Serializer | undefined;
  /** @default packets are taken as they come */
  readonly deserializer?: Deserializer | undefined;
}

/** What is given of serializer and deserializer. The types of Nest take no undefined. */
export function codecOf({ serializer, deserializer }: Omit<PeerageTransportOptions, 'cluster'>): {
  readonly serializer?: Serializer;
  readonly deserializer?: Deserializer;
} {
  return { ...(serializer && { serializer }), ...(deserializer && { deserializer }) };
}

/** Those of both, without `cluster`, which only constructors take. */
export const CODEC_OPTIONS: OptionNames<Omit<PeerageTransportOptions, 'cluster'>> = {
  serializer: true,
  deserializer: true,
};

/**
 * @param names of the options beside `cluster`
 * @throws PeerageError `INVALID_OPTIONS`
 */
export function checkOptions<T extends PeerageTransportOptions>(
  options: T,
  of: string,
  maker: string,
  names: OptionNames<Omit<T, 'cluster'>>,
): void {
  assertOptionNames<object>(of, options, { cluster: true, ...names });
  if (options.cluster) return;
  const problem = `${of} needs the app's ClusterService as \`cluster\`: inject it, or let ${maker}() do so.`;
  throw new PeerageError('INVALID_OPTIONS', problem);
}
