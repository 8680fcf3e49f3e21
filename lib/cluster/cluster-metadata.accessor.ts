import { Injectable } from '@nestjs/common';
import {
  CLUSTER_EVENT_METADATA,
  CLUSTER_LEADER_METADATA,
  CLUSTER_MESSAGE_METADATA,
} from '../peerage.constants.js';
import type { ClusterEventType } from './cluster.events.js';

/**
 * Reads what the decorators wrote: at the class and the name of a method, since other decorators may put another
 * function in its place.
 */
@Injectable()
export class ClusterMetadataAccessor {
  /** The types of cluster events that the method of that name handles. */
  getEventTypes(prototype: object, method: string): readonly ClusterEventType[] {
    return read<ClusterEventType>(CLUSTER_EVENT_METADATA, prototype, method);
  }

  /** The topics of the messages that the method of that name handles. */
  getTopics(prototype: object, method: string): readonly string[] {
    return read<string>(CLUSTER_MESSAGE_METADATA, prototype, method);
  }

  /** Whether the method of that name runs on the coordinator. */
  leads(prototype: object, method: string): boolean {
    return read(CLUSTER_LEADER_METADATA, prototype, method).length > 0;
  }
}

/** Adds what one more decorator says of a method. Decorators run from the last to the first. */
export function addMetadata(
  key: symbol | string,
  target: object,
  method: string | symbol,
  value: string,
): void {
  const before = (Reflect.getOwnMetadata(key, target, method) ?? []) as readonly string[];
  Reflect.defineMetadata(key, [value, ...before], target, method);
}

/** Of the class that has the method: one that overrides it without decorators is not decorated. */
function read<T extends string>(key: symbol | string, prototype: object, method: string): readonly T[] {
  let owner: object | null = prototype;
  while (owner !== null && !Object.hasOwn(owner, method))
    owner = Object.getPrototypeOf(owner) as object | null;
  return owner === null ? [] : ((Reflect.getOwnMetadata(key, owner, method) ?? []) as readonly T[]);
}
