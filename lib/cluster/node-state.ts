import { Injectable } from '@nestjs/common';
import { PeerageError } from '../errors/peerage-error.js';

/** How far this node has come. */
@Injectable()
export class NodeState {
  private phase: 'created' | 'running' | 'stopped' = 'created';

  get isStopped(): boolean {
    return this.phase === 'stopped';
  }

  /** The mesh listens. */
  run(): void {
    if (this.phase === 'created') this.phase = 'running';
  }

  stop(): void {
    this.phase = 'stopped';
  }

  /** @throws PeerageError `NOT_RUNNING` */
  assertRunning(action: string): void {
    if (this.phase === 'created')
      throw new PeerageError(
        'NOT_RUNNING',
        `${action} came too early: this node starts in onApplicationBootstrap. Call it there, or later.`,
      );
    if (this.phase === 'stopped')
      throw new PeerageError('NOT_RUNNING', `${action} came too late: this node has stopped.`);
  }
}
