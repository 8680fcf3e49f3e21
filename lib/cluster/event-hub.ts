import { Inject, Injectable, Logger } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { BehaviorSubject, Subject } from 'rxjs';
import type { DiscoveryEvent } from '../discovery/poll-report.js';
import { publishDiagnostic } from '../diagnostics/channels.js';
import { describeError, stackOf } from '../errors/thrown.js';
import type { Peer, PeerEvent } from '../membership/events.js';
import type { Clock } from '../time/clock.js';
import { dateMs } from '../time/clock.js';
import type { Mesh } from '../mesh/mesh.js';
import { LOG_CONTEXT, PEERAGE_CLOCK, PEERAGE_MESH } from '../peerage.constants.js';
import type { ClusterEvent, ClusterEventOf, ClusterEventType } from './cluster.events.js';

/** Hears every event. */
type ClusterListener = (event: ClusterEvent) => unknown;

/**
 * Where events pass on to the app. They are delivered one after the other: what a listener causes comes
 * after what it heard, for everybody.
 */
@Injectable()
export class EventHub {
  private readonly logger = new Logger(LOG_CONTEXT);
  private readonly listeners = new Set<{ readonly hear: ClusterListener }>();
  private readonly events = new Subject<ClusterEvent>();
  private readonly currentPeers: BehaviorSubject<readonly Peer[]>;
  private readonly queue: ClusterEvent[] = [];
  private isDelivering = false;
  private isComplete = false;

  readonly events$: Observable<ClusterEvent> = this.events.asObservable();
  readonly peers$: Observable<readonly Peer[]>;

  constructor(
    @Inject(PEERAGE_MESH) private readonly mesh: Mesh,
    @Inject(PEERAGE_CLOCK) private readonly clock: Clock,
  ) {
    this.currentPeers = new BehaviorSubject<readonly Peer[]>(mesh.peers);
    this.peers$ = this.currentPeers.asObservable();
  }

  /** Passes an event on, with the time. */
  emit(event: PeerEvent | DiscoveryEvent): void {
    if (this.isComplete) return;
    this.queue.push({ ...event, at: new Date(dateMs(this.clock)) });
    if (this.isDelivering) return;
    this.isDelivering = true;
    try {
      for (let next = this.queue.shift(); next; next = this.queue.shift()) this.deliver(next);
    } finally {
      this.isDelivering = false;
    }
  }

  /** Calls `listener` with every event, until the returned function is called. Its errors are logged. */
  onAny(listener: ClusterListener): () => void {
    const entry = { hear: listener };
    this.listeners.add(entry);
    return () => void this.listeners.delete(entry);
  }

  /** Calls `listener` with every event of one type, until the returned function is called. */
  on<T extends ClusterEventType>(type: T, listener: (event: ClusterEventOf<T>) => unknown): () => void {
    return this.onAny((event) => (event.type === type ? listener(event as ClusterEventOf<T>) : undefined));
  }

  /** The end: no more events. */
  complete(): void {
    this.isComplete = true;
    this.currentPeers.complete();
    this.events.complete();
    this.listeners.clear();
  }

  private deliver(event: ClusterEvent): void {
    if (event.type.startsWith('peer.') && event.type !== 'peer.refused')
      this.currentPeers.next(this.mesh.peers);
    for (const listener of [...this.listeners]) this.tell(listener.hear, event);
    this.events.next(event);
    publishDiagnostic({ self: this.mesh.self, event });
  }

  private tell(hear: ClusterListener, event: ClusterEvent): void {
    const failed = (error: unknown) => {
      this.logger.error(`A listener to ${event.type} failed: ${describeError(error)}`, stackOf(error));
    };
    try {
      const outcome = hear(event);
      if (outcome instanceof Promise) outcome.catch(failed);
    } catch (error) {
      failed(error);
    }
  }
}
