/** What `worker.ts` writes of itself. */
export interface WorkerStatus {
  readonly name: string;
  readonly bootId: string;
  readonly pid: number;
  /** Boot ids. */
  readonly peers: readonly string[];
}
