import type { ServerResponse } from 'node:http';

/** What we use of the requests of Express and of Fastify. */
export interface HttpRequest {
  readonly originalUrl?: string;
  readonly url: string;
  readonly query: unknown;
}

/** What we use of the responses of Express and of Fastify. */
export interface HttpResponse {
  header(name: string, value: string): unknown;
  status(code: number): unknown;
  send(body: string): unknown;
  /** Of Fastify: Node's own response, and the way to take it over with the headers that are set. */
  readonly raw?: ServerResponse;
  hijack?(): unknown;
  getHeaders(): Record<string, number | string | string[] | undefined>;
}

/**
 * The page and what it loads are its own: nothing else is let in. It takes the place of a policy of the app, which may
 * ask browsers to load it all by HTTPS.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'self'",
].join('; ');

export function answer(response: HttpResponse, type: string, body: string): void {
  response.header('Content-Type', `${type}; charset=utf-8`);
  response.header('Content-Security-Policy', POLICY);
  response.header('X-Content-Type-Options', 'nosniff');
  response.header('Referrer-Policy', 'no-referrer');
  response.header('Cache-Control', 'no-store');
  response.send(body);
}

/** A response that is written to as things happen: server-sent events. */
export function openStream(response: HttpResponse): ServerResponse {
  const raw = response.raw ?? (response as unknown as ServerResponse);
  const headers = Object.entries(response.getHeaders()).filter(([, value]) => value !== undefined);
  response.hijack?.();
  for (const [name, value] of headers) raw.setHeader(name, value!);
  raw.writeHead(200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    // Not to be compressed, and not to be kept back by a proxy.
    'Cache-Control': 'no-store, no-transform',
    'X-Accel-Buffering': 'no',
  });
  return raw;
}

/** The path of a request as the browser knows it, without its query. */
export function pathOf({ originalUrl, url }: HttpRequest): string {
  return (originalUrl ?? url).split('?')[0]!;
}
