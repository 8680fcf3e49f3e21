import { Injectable } from '@nestjs/common';
import { PeerageError } from '../errors/peerage-error.js';
import type { NodePhase } from './explanation.js';

/** How far this node has come. */
@Injectable()
export class NodeState {
  phase: NodePhase = 'created';
  private tellStopped: () => void = () => {};
  /** Resolves when this node has said goodbye. */
  readonly stopped = new Promise<void>((resolve) => (this.tellStopped = resolve));

  /** Shuts down, and still takes part. */
  get isLeaving(): boolean {
    return this.phase === 'leaving';
  }

  get isStopped(): boolean {
    return this.phase === 'stopped';
  }

  /** The mesh listens. */
  run(): void {
    if (this.phase === 'created') this.phase = 'running';
  }

  /** The app shuts down. Returns whether there is something to leave. */
  leave(): boolean {
    if (this.phase !== 'running') return false;
    this.phase = 'leaving';
    return true;
  }

  stop(): void {
    this.phase = 'stopped';
    this.tellStopped();
  }

  /** @throws PeerageError `NOT_RUNNING` */
  assertRunning(action: string): void {
    const problem = this.problemWith(action);
    if (problem) throw problem;
  }

  /** Why something that needs a running node cannot be done now. */
  problemWith(action: string): PeerageError | undefined {
    if (this.phase === 'running' || this.phase === 'leaving') return undefined;
    const why =
      this.phase === 'created'
        ? 'came too early: this node starts in onApplicationBootstrap. Call it there, or later. In a module that is ' +
          'loaded lazily it never starts: import PeerageModule.forRoot() in the root module.'
        : 'came too late: this node has stopped.';
    return new PeerageError('NOT_RUNNING', `${action} ${why}`);
  }
}
