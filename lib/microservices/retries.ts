import { peerageCodeOf } from '../errors/peerage-error.js';
import type { NodeRef } from './local-or-remote.js';
import type { Candidates } from './pattern-registry.js';
import type { Route } from './route.js';

/** How a request to one node failed. */
export interface FailedTry {
  readonly node: NodeRef;
  readonly error: Error;
  /** No handler has had it, or will. */
  readonly isUntouched: boolean;
  /** A part of the response has come. */
  readonly hasAnswered: boolean;
}

/** Which failures of one request are worth another try, and where. */
export class Retries {
  /** The boot ids of nodes that will not answer it. */
  private readonly passed = new Set<string>();

  constructor(
    private readonly route: Route,
    private left: number,
    private readonly isIdempotent: boolean,
  ) {}

  /** The nodes for another try; none when there is not to be one. */
  after(failed: FailedTry, candidates: () => Candidates): Candidates | undefined {
    if (this.left === 0 || failed.hasAnswered || !this.mayTryAgain(failed)) return undefined;
    this.left -= 1;
    const isAlive = peerageCodeOf(failed.error) === 'CONNECTION_LOST';
    // The owner of a key stays its owner.
    if (isAlive && typeof this.route !== 'string') return candidates();
    const rest = without(candidates(), this.passed.add(failed.node.bootId));
    // With no other node, the same one may be reached by its next connection.
    return rest.nodes.length === 0 && isAlive ? candidates() : rest;
  }

  private mayTryAgain({ error, isUntouched }: FailedTry): boolean {
    switch (peerageCodeOf(error)) {
      // The owner of a key, and a node that is named, have these for themselves.
      case 'OVERLOADED':
        return isUntouched && typeof this.route === 'string';
      case 'NO_HANDLER':
      case 'NO_SUCH_PEER':
        return isUntouched;
      case 'PEER_GONE':
      case 'CONNECTION_LOST':
        return isUntouched || this.isIdempotent;
      default:
        return false;
    }
  }
}

function without(candidates: Candidates, passed: ReadonlySet<string>): Candidates {
  const among = (nodes: readonly NodeRef[], otherwise: readonly NodeRef[]) => {
    const rest = nodes.filter(({ bootId }) => !passed.has(bootId));
    return rest.length > 0 ? rest : otherwise;
  };
  const nodes = among(candidates.nodes, []);
  const staying = among(candidates.staying, nodes);
  return { nodes, staying, well: among(candidates.well, staying), cursor: candidates.cursor++ };
}
