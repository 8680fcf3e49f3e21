import { BadRequestException, Controller, Logger, UseFilters } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { PeerageContext, PeerageExceptionFilter } from 'nestjs-peerage/microservices';
import type { Observable } from 'rxjs';
import { from } from 'rxjs';

export interface Visits {
  readonly customer: string;
  readonly visits: number;
}

/** The visits of the customers that belong to this worker. */
@Controller()
@UseFilters(PeerageExceptionFilter)
export class VisitsController {
  private readonly logger = new Logger(VisitsController.name);
  private readonly counts = new Map<string, number>();

  @MessagePattern('visit')
  visit(@Payload() customer: string, @Ctx() context: PeerageContext): Visits {
    if (!/^\w+$/.test(customer)) throw new BadRequestException(`${customer} is no name of a customer`);
    const visits = (this.counts.get(customer) ?? 0) + 1;
    this.counts.set(customer, visits);
    this.logger.log(`${customer} is here for the ${visits}. time, says ${context.getPeer().name}`);
    return { customer, visits };
  }

  /** A stream: one item after the other. */
  @MessagePattern('visits')
  visits(): Observable<Visits> {
    return from([...this.counts].map(([customer, visits]) => ({ customer, visits })));
  }

  @EventPattern('visits.reset')
  reset(@Payload() reason: string): void {
    this.counts.clear();
    this.logger.log(`All visits are forgotten: ${reason}`);
  }
}
