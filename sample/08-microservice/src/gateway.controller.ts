import { Controller, Delete, Get, Inject, Param, Post } from '@nestjs/common';
import { PeerageClient } from 'nestjs-peerage/microservices';
import type { Observable } from 'rxjs';
import { timeout, toArray } from 'rxjs';
import type { Visits } from './visits.controller.js';

@Controller('visits')
export class GatewayController {
  constructor(@Inject('WORKERS') private readonly workers: PeerageClient) {}

  /** The same customer always comes to the same worker, through whatever gateway. */
  @Post(':customer')
  visit(@Param('customer') customer: string): Observable<Visits> {
    const worker = this.workers.to({ key: customer });
    // What the worker answers to a wrong name, a 400, is what this answers.
    return worker.send<Visits>('visit', customer).pipe(timeout(2_000));
  }

  /** What all workers say, together. */
  @Get()
  all(): Observable<Visits[]> {
    return this.workers.to('all').send<Visits>('visits', {}).pipe(toArray());
  }

  /** An event goes to all workers. */
  @Delete()
  reset(): Observable<void> {
    return this.workers.emit('visits.reset', 'somebody asked for it');
  }
}
