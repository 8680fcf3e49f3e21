import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { KubeForeignAnswer, KubeStatusError } from './kube-errors.js';
import type { KubeSettings } from './kube-options.js';
import { linesOf } from './kube-lines.js';

const PAGE = 500;
const MAX_BODY_BYTES = 64 * 1024 * 1024;
const MAX_REASON = 300;
const MAX_QUOTE = 60;

/** One list of objects, and the version from which to watch. */
export interface KubeList {
  readonly items: readonly unknown[];
  readonly resourceVersion: string;
}

/** One line of a watch. */
export interface KubeEvent {
  readonly type: string;
  readonly object: Readonly<Record<string, unknown>>;
}

/** The API of Kubernetes, as far as one kind of object is concerned. */
export class KubeApi {
  constructor(private readonly settings: KubeSettings) {}

  /**
   * All objects, page by page.
   *
   * @throws KubeStatusError, or the error of the network; also when the signal aborts.
   */
  async list(signal: AbortSignal): Promise<KubeList> {
    try {
      return await this.listPages(signal);
    } catch (error) {
      // The list changed so much between two pages that its rest is not known any more.
      if (error instanceof KubeStatusError && error.isExpired) return this.listPages(signal);
      throw error;
    }
  }

  /**
   * What changes from that version on, until the server has said enough.
   *
   * @throws as `list`; a KubeStatusError with `isExpired` when the version is too old.
   */
  async *watch(resourceVersion: string, seconds: number, signal: AbortSignal): AsyncGenerator<KubeEvent> {
    const query = {
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion,
      timeoutSeconds: `${seconds}`,
    };
    const response = await this.get(query, signal);
    try {
      for await (const line of linesOf(response, MAX_BODY_BYTES)) {
        const { type, object } = JSON.parse(line) as Partial<KubeEvent>;
        if (typeof type !== 'string' || typeof object !== 'object' || object === null) continue;
        if (type === 'ERROR') throw statusError(Number(object['code']) || 500, object['message']);
        yield { type, object };
      }
    } finally {
      response.destroy();
    }
  }

  private async listPages(signal: AbortSignal): Promise<KubeList> {
    const items: unknown[] = [];
    let position: string | undefined;
    for (;;) {
      const query = { limit: String(PAGE), ...(position !== undefined && { continue: position }) };
      const { metadata, items: page } = readPage(await bodyOf(await this.get(query, signal)));
      items.push(...page);
      position = metadata.continue;
      if (!position) return { items, resourceVersion: metadata.resourceVersion ?? '' };
    }
  }

  private async get(query: Record<string, string>, signal: AbortSignal): Promise<IncomingMessage> {
    const url = this.urlOf(query);
    const { token, ca } = await this.account();
    const headers = { accept: 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
    signal.throwIfAborted();
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request =
        url.protocol === 'http:'
          ? httpRequest(url, { headers, signal, agent: false }, resolve)
          : httpsRequest(url, { headers, signal, agent: false, ...(ca && { ca }) }, resolve);
      request.on('error', reject);
      request.on('socket', (socket) => socket.setKeepAlive(true, 30_000));
      request.end();
    });
    // Whoever reads the body is told; nobody may be left when it breaks later.
    response.on('error', () => {});
    const { statusCode: status = 0, headers: said } = response;
    if (status === 200) return response;
    if (said.location !== undefined) {
      response.destroy();
      throw statusError(status, `it sends us to ${placeOf(said.location, url)}`);
    }
    const reason = await bodyOf(response).then(messageIn, () => '');
    throw statusError(status, reason);
  }

  private urlOf(query: Record<string, string>): URL {
    const { server, kind, namespace, labelSelector } = this.settings;
    const group = kind === 'pods' ? '/api/v1' : '/apis/discovery.k8s.io/v1';
    const url = new URL(`${server}${group}/namespaces/${namespace}/${kind}`);
    url.search = new URLSearchParams({ labelSelector, ...query }).toString();
    return url;
  }

  /** Read anew each time: the kubelet renews the token within the hour. */
  private async account(): Promise<{ token?: string; ca?: string }> {
    const read = (file: string) =>
      readFile(join(this.settings.accountFolder, file), 'utf8').catch(() => undefined);
    const [token, ca] = await Promise.all([read('token'), read('ca.crt')]);
    return { ...(token !== undefined && { token: token.trim() }), ...(ca !== undefined && { ca }) };
  }
}

interface KubePage {
  readonly metadata: { readonly continue?: string; readonly resourceVersion?: string };
  readonly items: readonly unknown[];
}

/** @throws KubeForeignAnswer when it is no list: taken for an empty one, it would make all pods unknown. */
function readPage(body: string): KubePage {
  const { metadata, items } = parseObject(body);
  if (Array.isArray(items)) return { metadata: metadata ?? {}, items };
  const start = body.replace(/\s+/g, ' ').slice(0, MAX_QUOTE);
  throw new KubeForeignAnswer(`the answer is no list of objects, it begins with ${JSON.stringify(start)}`);
}

function parseObject(text: string): Record<string, unknown> {
  try {
    return (JSON.parse(text) ?? {}) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** Without its parameters, which may hold a token. */
function placeOf(location: string, base: URL): string {
  const { origin, pathname } = URL.canParse(location, base.href) ? new URL(location, base.href) : base;
  return `${origin}${pathname}`;
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new Error(`the answer has more than ${MAX_BODY_BYTES} bytes`);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The message in a `Status` object, or the body as it is. */
function messageIn(body: string): string {
  try {
    const { message } = JSON.parse(body) as { message?: unknown };
    return typeof message === 'string' ? message : body;
  } catch {
    return body;
  }
}

function statusError(status: number, reason: unknown): KubeStatusError {
  const text = typeof reason === 'string' && reason !== '' ? reason : 'no reason given';
  return new KubeStatusError(status, text.replace(/\s+/g, ' ').slice(0, MAX_REASON));
}
