import { Injectable } from '@nestjs/common';
import type { BeforeApplicationShutdown } from '@nestjs/common';
import { ClusterService } from 'nestjs-peerage';
import type { PresenceSpace } from 'nestjs-peerage';
import { filter, map, Observable, startWith, Subject, takeUntil } from 'rxjs';

interface User {
  readonly name: string;
}

/** Someone in a room, and the replica that has the connection. */
export interface Guest {
  readonly id: string;
  readonly name: string;
  readonly replica: string;
}

@Injectable()
export class RoomsService implements BeforeApplicationShutdown {
  private readonly online: PresenceSpace<User>;
  private readonly closing = new Subject<void>();

  constructor(cluster: ClusterService) {
    this.online = cluster.presence<User>('rooms');
  }

  /** Who is in a room, on whatever replica. */
  guests(room: string): Guest[] {
    return this.online.list(room).map(({ id, meta, node }) => ({ id, name: meta.name, replica: node.name }));
  }

  /** Someone is in the room for as long as this is subscribed to, and sees who else is. */
  enter(room: string, name: string): Observable<Guest[]> {
    return new Observable<Guest[]>((guest) => {
      const entry = this.online.track(room, { name });
      const changes = this.online.changes$.pipe(
        filter(({ joined, left }) => [...joined, ...left].some(({ key }) => key === room)),
        map(() => this.guests(room)),
        startWith(this.guests(room)),
        takeUntil(this.closing),
      );
      const subscription = changes.subscribe(guest);
      return () => {
        subscription.unsubscribe();
        entry.untrack();
      };
    });
  }

  /** Browsers connect again, and meet another replica. */
  beforeApplicationShutdown(): void {
    this.closing.next();
  }
}
