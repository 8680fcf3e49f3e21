import { channel } from 'node:diagnostics_channel';
import type { NodeInfo } from '../naming/node-info.js';

/**
 * What is published on the diagnostics channel `peerage:false-alarm`: a process that was declared down came
 * back as itself.
 *
 * @publicApi
 */
export interface FalseAlarm {
  /** The node that sees it again. */
  readonly self: NodeInfo;
  /** Which process it is that came back. */
  readonly bootId: string;
  /** How often that happened to this boot id. */
  readonly count: number;
}

export const falseAlarms = channel('peerage:false-alarm');
