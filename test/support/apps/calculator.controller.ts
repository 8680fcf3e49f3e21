import {
  Catch,
  Controller,
  Inject,
  Injectable,
  ParseIntPipe,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
} from '@nestjs/common';
import type {
  CallHandler,
  CanActivate,
  ExecutionContext,
  NestInterceptor,
  PipeTransform,
  RpcExceptionFilter,
} from '@nestjs/common';
import {
  CONTEXT,
  Ctx,
  EventPattern,
  MessagePattern,
  Payload,
  RpcException,
  Transport,
} from '@nestjs/microservices';
import {
  EMPTY,
  NEVER,
  Observable,
  concatMap,
  delay,
  finalize,
  from,
  interval,
  map,
  of,
  range,
  scan,
  throwError,
} from 'rxjs';
import { PEERAGE, PeerageContext } from '../../../lib/microservices/index.js';

export class CustomError extends Error {
  readonly details = { retry: false };
}

@Catch(CustomError)
class CustomFilter implements RpcExceptionFilter<CustomError> {
  catch(error: CustomError): Observable<never> {
    return throwError(() => ({ filtered: error.message }));
  }
}

@Catch(CustomError)
class RawFilter implements RpcExceptionFilter<CustomError> {
  catch(error: CustomError): Observable<never> {
    return throwError(() => error);
  }
}

class OnlyAdmins implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return context.getType() === 'rpc' && context.switchToRpc().getData<{ admin?: boolean }>().admin === true;
  }
}

class Twice implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler<number>): Observable<number> {
    return next.handle().pipe(map((value) => 2 * value));
  }
}

class WithOne implements PipeTransform {
  transform(value: unknown): unknown {
    return typeof value === 'string' ? `${value}1` : value;
  }
}

let created = 0;

@Injectable({ scope: Scope.REQUEST })
class PerRequest {
  readonly number = ++created;
  constructor(@Inject(CONTEXT) readonly request: { readonly pattern: unknown; readonly data: unknown }) {}
}

/** What reached the event handlers, and what was torn down. */
export class Diary {
  readonly entries: unknown[] = [];
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/** The handlers of the framework's own tests of its transports, and a few more. */
@Controller()
export class Calculator {
  constructor(@Inject(Diary) private readonly diary: Diary) {}

  @MessagePattern({ cmd: 'sum' })
  sum(@Payload() numbers: readonly number[]): number {
    return sum(numbers);
  }

  @MessagePattern({ cmd: 'sum', how: 'later' })
  async later(numbers: readonly number[]): Promise<number> {
    return sum(numbers);
  }

  @MessagePattern('sum.observable')
  observable(numbers: readonly number[]): Observable<number> {
    return of(sum(numbers));
  }

  @MessagePattern('sum.promise-of-observable')
  async both(numbers: readonly number[]): Promise<Observable<number>> {
    return of(sum(numbers)).pipe(delay(1));
  }

  @MessagePattern('stream')
  stream(numbers: readonly number[]): Observable<number> {
    return from(numbers);
  }

  @MessagePattern('stream.slow')
  slow(numbers: readonly number[]): Observable<number> {
    return from(numbers).pipe(
      concatMap((number) => of(number).pipe(delay(2))),
      scan((a, b) => a + b),
    );
  }

  @MessagePattern('stream.long')
  long(count: number): Observable<number> {
    return range(0, count);
  }

  @MessagePattern('stream.endless')
  endless(name: string): Observable<number> {
    return interval(2).pipe(finalize(() => this.diary.entries.push(`end of ${name}`)));
  }

  @MessagePattern('stream.silent')
  silent(name: string): Observable<never> {
    this.diary.entries.push(`begin of ${name}`);
    return NEVER.pipe(finalize(() => this.diary.entries.push(`end of ${name}`)));
  }

  @MessagePattern('stream.empty')
  empty(): Observable<never> {
    return EMPTY;
  }

  @MessagePattern('stream.breaks')
  breaks(): Observable<number> {
    return new Observable((observer) => {
      observer.next(1);
      observer.error(new RpcException('broken after 1'));
    });
  }

  @MessagePattern('echo')
  echo(value: unknown): unknown {
    return value;
  }

  @MessagePattern('nothing')
  nothing(): void {}

  @MessagePattern('error.rpc')
  rpc(error: string | object): void {
    throw new RpcException(error);
  }

  @MessagePattern('error.unknown')
  async unknown(): Promise<void> {
    throw new Error('a detail that is nobody else’s business');
  }

  @UseFilters(CustomFilter)
  @MessagePattern('error.filtered')
  filtered(message: string): void {
    throw new CustomError(message);
  }

  @UseFilters(RawFilter)
  @MessagePattern('error.raw')
  raw(message: string): void {
    throw new CustomError(message);
  }

  @MessagePattern('error.unsendable')
  unsendable(): unknown {
    return { handlers: { click: () => {} } };
  }

  @MessagePattern('error.unsendable-later')
  unsendableLater(): Observable<unknown> {
    return of(1, () => {}, 3);
  }

  @UseGuards(OnlyAdmins)
  @MessagePattern('guarded')
  guarded(): string {
    return 'come in';
  }

  @UseInterceptors(Twice)
  @UsePipes(WithOne)
  @MessagePattern('piped')
  piped(@Payload('value', ParseIntPipe) value: number): number {
    return value;
  }

  @MessagePattern('context')
  context(@Ctx() context: PeerageContext): unknown {
    const { name } = context.getPeer();
    return { name, pattern: context.getPattern(), metadata: context.getMetadata() };
  }

  @MessagePattern('here-only', PEERAGE)
  hereOnly(): string {
    return 'over the mesh';
  }

  @MessagePattern('tcp-only', Transport.TCP)
  tcpOnly(): string {
    return 'over TCP';
  }

  @EventPattern('noted')
  noted(@Payload() data: unknown): void {
    this.diary.entries.push(data);
  }

  @EventPattern({ note: 'twice' })
  first(data: unknown): void {
    this.diary.entries.push(['first', data]);
  }

  @EventPattern({ note: 'twice' })
  second(data: unknown): Observable<number> {
    this.diary.entries.push(['second', data]);
    return of(1, 2);
  }

  @EventPattern('event.fails')
  fails(message: string): void {
    throw new Error(message);
  }
}

@Controller()
export class ScopedCalculator {
  constructor(@Inject(PerRequest) private readonly request: PerRequest) {}

  @MessagePattern('scoped')
  scoped(value: unknown): unknown {
    return { number: this.request.number, data: this.request.request.data, value };
  }
}

/** A node that has all of these handlers. */
export const CALCULATOR = { controllers: [Calculator, ScopedCalculator], providers: [Diary, PerRequest] };
