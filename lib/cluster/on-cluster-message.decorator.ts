import type { MessageHandler } from '../messaging/message.types.js';
import { CLUSTER_MESSAGE_METADATA } from '../peerage.constants.js';
import { addMetadata } from './cluster-metadata.accessor.js';

/**
 * Decorates a method that takes the data of a message and its context, or less.
 *
 * @publicApi
 */
export type ClusterMessageDecorator = <M extends MessageHandler<never>>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<M>,
) => void;

/**
 * Calls the method with the messages that peers send on a topic. For methods of providers and controllers;
 * repeatable. What it returns, or its promise resolves to, answers a request.
 *
 * Calls start in the order in which a peer sent the messages of a topic; those of async methods overlap. A
 * one-way message reaches every method of its topic, and what one throws is logged and harms nobody. A
 * request needs exactly one: with several, the caller gets `AMBIGUOUS_HANDLER`.
 *
 * @publicApi
 */
export function OnClusterMessage(topic: string): ClusterMessageDecorator {
  return (target, key) => addMetadata(CLUSTER_MESSAGE_METADATA, target, key, topic);
}
