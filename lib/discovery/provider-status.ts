/**
 * How one provider does. Times in milliseconds.
 *
 * @publicApi
 */
export interface ProviderExplanation {
  /** As logs and events call it. */
  readonly name: string;
  /** `asking`: it has not answered yet. `working`. `failing`: its last answer stands. */
  readonly state: 'asking' | 'working' | 'failing';
  /** The names of its last good answer, that of this node among them when it gave it. */
  readonly names: readonly string[];
  /** Since its last good answer. Left out when there was none. */
  readonly lastAnswerAgoMs?: number;
  /** Since it began to fail. */
  readonly failingForMs?: number;
  /** Why it fails, or failed last. */
  readonly error?: string;
  /** How its polls ended, since the start. */
  readonly polls: { readonly succeeded: number; readonly failed: number };
  /** Names that its long-running part has handed over, since the start. */
  readonly hints: number;
}
