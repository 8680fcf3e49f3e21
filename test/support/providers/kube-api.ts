import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:https';
import { createServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TestAuthority } from '../mesh/certificates.js';

type Kind = 'endpointslices' | 'pods';
type Labels = Readonly<Record<string, string>>;

export interface KubeObject {
  readonly metadata: { readonly name: string; readonly labels?: Labels; readonly deletionTimestamp?: string };
  readonly [field: string]: unknown;
}

interface Stored extends KubeObject {
  readonly metadata: KubeObject['metadata'] & { readonly resourceVersion: string };
}

interface Change {
  readonly version: number;
  readonly kind: Kind;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: Stored;
}

const PATHS: Readonly<Record<string, Kind>> = {
  '/api/v1/namespaces/prod/pods': 'pods',
  '/apis/discovery.k8s.io/v1/namespaces/prod/endpointslices': 'endpointslices',
};
const LIST_KINDS = { pods: ['v1', 'PodList'], endpointslices: ['discovery.k8s.io/v1', 'EndpointSliceList'] };

/**
 * Speaks the part of the Kubernetes API that the provider uses, as an API server of version 1.30 does: TLS,
 * bearer tokens, label selectors, lists in pages, watches with bookmarks, and errors as `Status` objects. It
 * is no Kubernetes: there is none on the machines that run these tests.
 */
export class FakeKubeApi {
  /** The folder that a pod would have its service account in. */
  readonly accountFolder = mkdtempSync(join(tmpdir(), 'kube-account-'));
  readonly requests: string[] = [];
  /** Verbs that the service account may not use. */
  denied: ReadonlySet<'list' | 'watch'> = new Set();
  /** Takes no version for a watch, as a proxy with a cache that is too old. */
  takesNoVersion = false;
  /** Answers with this status, whatever is asked. */
  broken: number | undefined;
  /** Milliseconds between the bytes of a body. */
  dripMs = 0;
  /** Objects to a page, whatever limit is asked for. */
  pageSize = Infinity;
  /** The server ends a watch after this time, whatever is asked for. */
  maxWatchMs = Infinity;
  /** Called between two pages of a list. */
  onPage: (page: number) => void = () => {};
  private readonly authority = new TestAuthority('kubernetes');
  private readonly objects = { pods: new Map<string, Stored>(), endpointslices: new Map<string, Stored>() };
  private readonly changes: Change[] = [];
  private readonly watches = new Set<(change: Change | 'bookmark' | 'expired' | 'over') => void>();
  private readonly sockets = new Set<Duplex>();
  private version = 1_000;
  /** Versions before it are forgotten. */
  private oldest = 1_000;
  private token = 'token-1';
  private isHanging = false;
  private server: Server | undefined;
  private port = 0;

  private constructor(private readonly host: string) {}

  static async start(host = '127.0.0.1'): Promise<FakeKubeApi> {
    const api = new FakeKubeApi(host);
    writeFileSync(join(api.accountFolder, 'ca.crt'), api.authority.ca);
    writeFileSync(join(api.accountFolder, 'namespace'), 'prod');
    api.renewToken();
    await api.listen();
    return api;
  }

  get url(): string {
    return `https://${this.host}:${this.port}`;
  }

  /** Listens unless it does, and answers again. */
  async listen(): Promise<void> {
    if (this.isHanging) this.dropConnections();
    this.isHanging = false;
    if (this.server) return;
    const server = createServer(this.authority.issue(this.host), (request, response) => {
      this.answer(request, response).catch(() => response.destroy());
    });
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => this.sockets.delete(socket));
    });
    this.server = server;
    await new Promise<void>((resolve) => server.listen(this.port, this.host, resolve));
    this.port = (server.address() as { port: number }).port;
  }

  async down(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    this.dropConnections();
    await new Promise<unknown>((resolve) => (server ? server.close(resolve) : resolve(undefined)));
  }

  /** Takes requests and answers none; watches say nothing more. */
  hang(): void {
    this.isHanging = true;
  }

  async stop(): Promise<void> {
    await this.down();
    this.authority.dispose();
    rmSync(this.accountFolder, { recursive: true, force: true });
  }

  dropConnections(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  /** The old token is accepted no more. */
  renewToken(write = true): void {
    this.token = `token-${this.requests.length}-${this.version++}`;
    if (write) writeFileSync(join(this.accountFolder, 'token'), `${this.token}\n`);
  }

  put(kind: Kind, object: KubeObject): void {
    const { name } = object.metadata;
    const type = this.objects[kind].has(name) ? 'MODIFIED' : 'ADDED';
    this.change(kind, type, object);
  }

  remove(kind: Kind, name: string): void {
    const object = this.objects[kind].get(name);
    if (object) this.change(kind, 'DELETED', object);
  }

  names(kind: Kind): string[] {
    return [...this.objects[kind].keys()];
  }

  /** Sends a bookmark to every watch: the version has gone on, though nothing that they watch has changed. */
  bookmark(): void {
    this.version += 1;
    for (const tell of [...this.watches]) tell('bookmark');
  }

  /** Forgets what happened before. `tell`: the watches that go on are told so. */
  compact(tell = false): void {
    this.version += 1;
    this.oldest = this.version;
    if (tell) for (const watch of [...this.watches]) watch('expired');
  }

  /** Ends every watch as the server does when its time is over. */
  dropWatches(): void {
    for (const watch of [...this.watches]) watch('over');
  }

  get watchCount(): number {
    return this.watches.size;
  }

  private change(kind: Kind, type: Change['type'], object: KubeObject): void {
    const version = (this.version += 1);
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    if (type === 'DELETED') this.objects[kind].delete(object.metadata.name);
    else this.objects[kind].set(object.metadata.name, stored);
    const change: Change = { version, kind, type, object: stored };
    this.changes.push(change);
    for (const tell of [...this.watches]) tell(change);
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    this.requests.push(`${url.pathname}${url.search}`);
    if (this.isHanging) return;
    if (this.broken !== undefined) return this.status(response, this.broken, 'etcdserver: request timed out');
    if (request.headers.authorization !== `Bearer ${this.token}`)
      return this.status(response, 401, 'Unauthorized');
    const kind = PATHS[url.pathname];
    const verb = url.searchParams.get('watch') === 'true' ? 'watch' : 'list';
    if (!kind) return this.status(response, 404, 'the server could not find the requested resource');
    if (this.denied.has(verb)) return this.status(response, 403, forbidden(kind, verb));
    const fits = selectorOf(url.searchParams.get('labelSelector'));
    if (verb === 'watch') this.watch(url, kind, fits, response);
    else await this.list(url, kind, fits, response);
  }

  private async list(
    url: URL,
    kind: Kind,
    fits: (object: KubeObject) => boolean,
    response: ServerResponse,
  ): Promise<void> {
    const limit = Math.min(Number(url.searchParams.get('limit') ?? Infinity), this.pageSize);
    const [version = this.version, start = 0] = JSON.parse(
      url.searchParams.get('continue') ?? '[]',
    ) as number[];
    if (version < this.oldest)
      return this.status(response, 410, 'The provided continue parameter is too old', 'Expired');
    const all = [...this.objects[kind].values()].filter(fits);
    const items = all.slice(start, start + limit);
    const next = start + limit < all.length ? JSON.stringify([version, start + limit]) : undefined;
    const [apiVersion, name] = LIST_KINDS[kind];
    const metadata = { resourceVersion: String(version), ...(next && { continue: next }) };
    await this.send(response, 200, { kind: name, apiVersion, metadata, items });
    if (next) this.onPage(start / limit);
  }

  private watch(url: URL, kind: Kind, fits: (object: KubeObject) => boolean, response: ServerResponse): void {
    const from = Number(url.searchParams.get('resourceVersion') ?? 0);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    const say = (type: string, object: unknown) => {
      if (!this.isHanging) response.write(`${JSON.stringify({ type, object })}\n`);
    };
    const end = () => {
      this.watches.delete(tell);
      response.end();
    };
    const expire = () => {
      say('ERROR', statusObject(410, `too old resource version: ${from} (${this.oldest})`, 'Expired'));
      end();
    };
    const tell = (change: Change | 'bookmark' | 'expired' | 'over'): void => {
      if (change === 'expired') expire();
      else if (change === 'over') end();
      else if (change === 'bookmark')
        say('BOOKMARK', { kind: 'Pod', metadata: { resourceVersion: String(this.version) } });
      else if (change.kind === kind && fits(change.object)) say(change.type, change.object);
    };
    if (from < this.oldest || this.takesNoVersion) return expire();
    for (const change of this.changes) if (change.version > from) tell(change);
    this.watches.add(tell);
    const seconds = Number(url.searchParams.get('timeoutSeconds'));
    const timer = setTimeout(end, Math.min(seconds * 1_000, this.maxWatchMs));
    response.once('close', () => {
      clearTimeout(timer);
      this.watches.delete(tell);
    });
  }

  private async status(response: ServerResponse, code: number, message: string, reason = ''): Promise<void> {
    await this.send(response, code, statusObject(code, message, reason));
  }

  private async send(response: ServerResponse, code: number, body: unknown): Promise<void> {
    response.writeHead(code, { 'content-type': 'application/json' });
    const text = JSON.stringify(body);
    if (this.dripMs === 0) return void response.end(text);
    for (let i = 0; i < text.length && !response.destroyed; i += 50) {
      response.write(text.slice(i, i + 50));
      await sleep(this.dripMs);
    }
    response.end();
  }
}

function statusObject(code: number, message: string, reason: string): object {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, reason, code };
}

function forbidden(kind: Kind, verb: string): string {
  const group = kind === 'pods' ? '' : 'discovery.k8s.io';
  return (
    `${kind} is forbidden: User "system:serviceaccount:prod:default" cannot ${verb} resource "${kind}" ` +
    `in API group "${group}" in the namespace "prod"`
  );
}

function selectorOf(text: string | null): (object: KubeObject) => boolean {
  const wanted = (text ?? '').split(',').map((part) => part.split('=') as [string, string]);
  return ({ metadata }) => wanted.every(([key, value]) => metadata.labels?.[key] === value);
}

/** An EndpointSlice of the service `web`, as the controller makes them: up to a hundred addresses each. */
export function slice(
  name: string,
  addresses: readonly string[],
  { service = 'web', ready = true, terminating = false, port = 4001 } = {},
): KubeObject {
  return {
    metadata: { name, labels: { 'kubernetes.io/service-name': service } },
    addressType: addresses[0]?.includes(':') ? 'IPv6' : 'IPv4',
    endpoints: addresses.map((address) => ({
      addresses: [address],
      conditions: { ready, serving: ready, terminating },
      targetRef: { kind: 'Pod', name: `web-${address}` },
    })),
    ports: [{ name: 'mesh', port, protocol: 'TCP' }],
  };
}

/** A Pod with the label `app=web`. */
export function pod(
  name: string,
  ips: readonly string[],
  { phase = 'Running', isReady = true, isEnding = false } = {},
): KubeObject {
  return {
    metadata: {
      name,
      labels: { app: 'web' },
      ...(isEnding && { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    },
    spec: { containers: [{ name: 'app', ports: [{ name: 'mesh', containerPort: 5001 }] }] },
    status: {
      phase,
      podIP: ips[0],
      podIPs: ips.map((ip) => ({ ip })),
      conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }],
    },
  };
}
