/** Whether so many nodes are more than half of those that may run at once: two sides of a split never both are. */
export function hasMajority(nodes: number, of: number): boolean {
  return 2 * nodes > of;
}
