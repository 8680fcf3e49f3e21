/** More nodes than this are not remembered; the oldest go first. */
const MAX_NODES = 1_000;

/**
 * Who had opened a space when we lost sight of it. When such a node is back, after a split or because it was taken for
 * dead, it counts at once and not only when it has told what it has: it may hold keys all the while.
 */
export class FormerOpeners {
  private readonly spaces = new Map<string, Set<string>>();

  /** An entry of this node has left: the node is gone, or it has closed the space. */
  add(bootId: string, space: string): void {
    const spaces = this.spaces.get(bootId) ?? new Set();
    spaces.add(space);
    this.spaces.delete(bootId);
    this.spaces.set(bootId, spaces);
    for (const oldest of this.spaces.keys()) {
      if (this.spaces.size <= MAX_NODES) break;
      this.spaces.delete(oldest);
    }
  }

  has(bootId: string, space: string): boolean {
    return this.spaces.get(bootId)?.has(space) === true;
  }
}
