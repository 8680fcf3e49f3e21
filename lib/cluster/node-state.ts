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
    const problem = this.problemWith(action);
    if (problem) throw problem;
  }

  /** Why something that needs a running node cannot be done now. */
  problemWith(action: string): PeerageError | undefined {
    if (this.phase === 'running') return undefined;
    const why =
      this.phase === 'created'
        ? 'came too early: this node starts in onApplicationBootstrap. Call it there, or later.'
        : 'came too late: this node has stopped.';
    return new PeerageError('NOT_RUNNING', `${action} ${why}`);
  }
}
