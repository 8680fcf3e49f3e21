import { BaseRpcContext } from '@nestjs/microservices';
import type { NodeInfo } from '../naming/node-info.js';

type PeerageContextArgs = [
  peer: NodeInfo,
  pattern: string,
  metadata: Readonly<Record<string, string>> | undefined,
];

/**
 * What a handler gets by `@Ctx()`.
 *
 * @publicApi
 */
export class PeerageContext extends BaseRpcContext<PeerageContextArgs> {
  /** The node that sent it. This node itself, when its own client did. */
  getPeer(): NodeInfo {
    return this.args[0];
  }

  /** The pattern, as a route. */
  getPattern(): string {
    return this.args[1];
  }

  /** What the client's `setOnDispatchHook` attached. */
  getMetadata(): Readonly<Record<string, string>> | undefined {
    return this.args[2];
  }
}
