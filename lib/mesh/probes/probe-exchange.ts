import { randomBytes } from 'node:crypto';
import { encodeProbe, isGenuine, NONCE_BYTES, type Probe, PROBE_BYTES, readProbe } from './probe-codec.js';
import { ReplayWindow } from './replay-window.js';

/** Probes that are waited for at once; the oldest are given up. */
const MAX_WAITING = 4_096;

/** An answer that takes longer tells of a time that is past. */
const ANSWER_WITHIN_MS = 3_000;

/** Nodes whose counts are kept, and nodes to whom ours are: the oldest are forgotten. */
const MAX_COUNTED = 4_096;

/** That a node probes us is told once in so long. */
const TELL_EVERY_MS = 20_000;

/** Whom to probe. */
export interface ProbeTarget {
  readonly bootId: string;
  /** An IP address: names are never resolved for a probe. */
  readonly host: string;
  readonly port: number;
  readonly key: Uint8Array;
  /** For how long it has not been heard; 0 when it is. */
  readonly silentMs: number;
}

export interface ProbeExchangeOptions {
  readonly bootId: string;
  /** Our own probe key. */
  readonly key: Uint8Array;
  /** How far the main loop is behind, in milliseconds. */
  readonly lagMs: () => number;
  /** Of this process, whichever thread asks. */
  readonly nowMs: () => number;
}

/** What a datagram brought. */
interface TakenProbe {
  /** To be sent back. */
  readonly answer?: Buffer;
  /** Whose probe that was; only now and then, since it is worth telling once. */
  readonly probedBy?: string;
  /** This process lives; its main loop is so far behind. */
  readonly answered?: { readonly bootId: string; readonly lagMs: number };
  /** Another node probes us because it has not heard us for so long. */
  readonly unheard?: { readonly bootId: string; readonly silentMs: number };
}

/** Makes probes, and knows what comes back and what others ask. What was recorded is worth nothing. */
export class ProbeExchange {
  /** By nonce, oldest first. */
  private readonly waiting = new Map<string, { readonly target: ProbeTarget; readonly untilMs: number }>();
  /** The last count of our probes, by whom they went to. */
  private readonly counts = new Map<string, number>();
  /** By whose probes came. */
  private readonly windows = new Map<string, ReplayWindow>();
  /** When whose probes were last told of. */
  private readonly told = new Map<string, number>();

  constructor(private readonly options: ProbeExchangeOptions) {}

  /** One probe, to be sent. Its answer is waited for. */
  ask(target: ProbeTarget): Buffer {
    const nonce = randomBytes(NONCE_BYTES).toString('hex');
    this.giveUpOld();
    this.waiting.set(nonce, { target, untilMs: this.options.nowMs() + ANSWER_WITHIN_MS });
    if (this.waiting.size > MAX_WAITING) dropOldest(this.waiting);
    const { bootId: from } = this.options;
    const { bootId: to, silentMs: ms, key } = target;
    return encodeProbe({ kind: 'probe', from, to, count: this.nextCount(to), nonce, ms }, key);
  }

  take(bytes: Buffer): TakenProbe | undefined {
    const probe = bytes.length === PROBE_BYTES ? readProbe(bytes) : undefined;
    if (probe?.to !== this.options.bootId) return undefined;
    return probe.kind === 'probe' ? this.takeProbe(probe, bytes) : this.takeAnswer(probe, bytes);
  }

  private takeProbe(probe: Probe, bytes: Buffer): TakenProbe | undefined {
    const { bootId, key, lagMs } = this.options;
    if (!isGenuine(bytes, key) || !this.windowOf(probe.from).take(probe.count)) return undefined;
    const answer = { ...probe, kind: 'answer', from: bootId, to: probe.from, ms: lagMs() } as const;
    return {
      answer: encodeProbe(answer, key),
      ...(this.noteProbeOf(probe.from) && { probedBy: probe.from }),
      ...(probe.ms > 0 && { unheard: { bootId: probe.from, silentMs: probe.ms } }),
    };
  }

  /** Another node has probed this one. Returns whether that is to be told again. */
  private noteProbeOf(from: string): boolean {
    const nowMs = this.options.nowMs();
    if (nowMs < (this.told.get(from) ?? Number.NEGATIVE_INFINITY) + TELL_EVERY_MS) return false;
    this.told.delete(from);
    this.told.set(from, nowMs);
    if (this.told.size > MAX_COUNTED) dropOldest(this.told);
    return true;
  }

  private takeAnswer({ from, nonce, ms }: Probe, bytes: Buffer): TakenProbe | undefined {
    this.giveUpOld();
    const target = this.waiting.get(nonce)?.target;
    if (target?.bootId !== from || !isGenuine(bytes, target.key)) return undefined;
    this.waiting.delete(nonce);
    return { answered: { bootId: from, lagMs: ms } };
  }

  private giveUpOld(): void {
    const nowMs = this.options.nowMs();
    for (const [nonce, { untilMs }] of this.waiting) {
      if (untilMs > nowMs) return;
      this.waiting.delete(nonce);
    }
  }

  /**
   * Starts at the clock, and so above all that an earlier thread of this process has sent: nobody is probed a
   * thousand times a second.
   */
  private nextCount(to: string): number {
    const last = this.counts.get(to);
    const count = last === undefined ? Math.ceil(this.options.nowMs()) : last + 1;
    this.counts.set(to, count);
    if (this.counts.size > MAX_COUNTED) dropOldest(this.counts);
    return count;
  }

  private windowOf(bootId: string): ReplayWindow {
    let window = this.windows.get(bootId);
    if (window) return window;
    this.windows.set(bootId, (window = new ReplayWindow()));
    if (this.windows.size > MAX_COUNTED) dropOldest(this.windows);
    return window;
  }
}

function dropOldest(map: Map<string, unknown>): void {
  map.delete(map.keys().next().value!);
}
