/** What `meta` may take, as JSON. */
export const MAX_META_BYTES = 4_096;

/**
 * What a node tells of itself.
 *
 * @publicApi
 */
export interface NodeInfo {
  /** `app@host`, or `app@host:port` when the port is not the default (4370). */
  readonly name: string;
  /** Random 128-bit id made at start, 32 hex digits. A restarted process has another one. */
  readonly bootId: string;
  /** The host that peers dial. */
  readonly host: string;
  /** The port that peers dial. */
  readonly port: number;
  /** What the app wants its peers to know: version, zone, HTTP port… */
  readonly meta: Readonly<Record<string, unknown>>;
}
