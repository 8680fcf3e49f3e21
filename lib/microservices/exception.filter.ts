import { Catch, HttpException, Logger } from '@nestjs/common';
import type { ArgumentsHost } from '@nestjs/common';
import { BaseRpcExceptionFilter, RpcException } from '@nestjs/microservices';
import { throwError } from 'rxjs';
import type { Observable } from 'rxjs';
import { describeError, stackOf } from '../errors/thrown.js';
import { LOG_CONTEXT } from '../peerage.constants.js';
import { PeerageContext } from './peerage.context.js';

/** From here on the server is to blame. */
const SERVER_ERROR = 500;

/**
 * What callers get of an `HttpException`.
 *
 * @publicApi
 */
export interface HttpFailure {
  /** As of every error of Nest's microservices. */
  readonly status: 'error';
  /** The HTTP status. */
  readonly statusCode: number;
  /** One text; those of a `ValidationPipe`, joined. */
  readonly message: string;
  /** What `getResponse()` of the exception returns: for a `ValidationPipe`, the list of what is wrong. */
  readonly response: string | object;
}

/**
 * Keeps what `HttpException`s say, those of a `ValidationPipe` included: the caller gets an {@link HttpFailure}, and an
 * HTTP controller that lets it pass answers with that status. Nest alone makes `Internal server error` of them, and logs
 * nothing. Of other errors that are no `RpcException` the caller learns no more than with Nest alone.
 *
 * All of them are logged with the pattern and the node that asked; HTTP exceptions below 500 as a warning.
 *
 * `app.useGlobalFilters(new PeerageExceptionFilter())`; in a hybrid app `connectMicroservice()` needs
 * `{ inheritAppConfig: true }` for that. Or `@UseFilters(PeerageExceptionFilter)`.
 *
 * @publicApi
 */
@Catch()
export class PeerageExceptionFilter extends BaseRpcExceptionFilter {
  private readonly log = new Logger(LOG_CONTEXT);

  /** What the caller gets, as an observable that fails with it. */
  override catch(exception: unknown, host: ArgumentsHost): Observable<unknown> {
    // oxlint-disable-next-line promise/valid-params -- it is no promise
    if (exception instanceof RpcException) return super.catch(exception, host);
    const http = exception instanceof HttpException ? failureOf(exception) : undefined;
    const where = whereOf(host.switchToRpc().getContext());
    if (http && http.statusCode < SERVER_ERROR)
      this.log.warn(`${where} refused: ${http.statusCode} ${http.message}`);
    else this.log.error(`${where} failed: ${describeError(exception)}`, stackOf(exception));
    return throwError(() => http ?? { status: 'error', message: 'Internal server error' });
  }
}

function whereOf(context: unknown): string {
  if (!(context instanceof PeerageContext)) return 'A handler';
  return `The handler of "${context.getPattern()}", asked by ${context.getPeer().name},`;
}

function failureOf(exception: HttpException): HttpFailure {
  const response = exception.getResponse();
  const { message } = (typeof response === 'string' ? {} : response) as { readonly message?: unknown };
  return {
    status: 'error',
    statusCode: exception.getStatus(),
    message: Array.isArray(message) ? message.join(', ') : exception.message,
    response,
  };
}
