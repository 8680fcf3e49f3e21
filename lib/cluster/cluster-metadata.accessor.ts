import { Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { CLUSTER_EVENT_METADATA, CLUSTER_MESSAGE_METADATA } from '../peerage.constants.js';
import type { ClusterEventType } from './cluster.events.js';

/** Reads what the decorators wrote. */
@Injectable()
export class ClusterMetadataAccessor {
  constructor(private readonly reflector: Reflector) {}

  /** The types of cluster events that a method handles. */
  getEventTypes(method: unknown): readonly ClusterEventType[] {
    if (typeof method !== 'function') return [];
    return this.reflector.get<ClusterEventType[] | undefined>(CLUSTER_EVENT_METADATA, method) ?? [];
  }

  /** The topics of the messages that a method handles. */
  getTopics(method: unknown): readonly string[] {
    if (typeof method !== 'function') return [];
    return this.reflector.get<string[] | undefined>(CLUSTER_MESSAGE_METADATA, method) ?? [];
  }
}
