import { EventEmitter } from 'node:events';
import { expect, describe, it } from 'vitest';
import type { ClusterWatch } from '../../../lib/dashboard/cluster-watch.js';
import { DashboardService } from '../../../lib/dashboard/dashboard.service.js';
import type { HttpResponse } from '../../../lib/dashboard/http.js';
import type { Snapshot } from '../../../lib/dashboard/snapshot.types.js';
import type { ClusterService } from '../../../lib/index.js';
import { VirtualClock } from '../../support/virtual-clock.js';

/** A response as Express has it, and a network that takes what is written only when it is told to. */
class Response extends EventEmitter {
  readonly headers: Record<string, unknown> = {};
  readonly written: string[] = [];
  code = 200;
  body = '';
  takes = true;
  isEnded = false;
  destroyed = false;

  header(name: string, value: string): void {
    this.headers[name.toLowerCase()] = value;
  }
  setHeader(name: string, value: unknown): void {
    this.headers[name.toLowerCase()] = value;
  }
  getHeaders(): Record<string, unknown> {
    return this.headers;
  }
  status(code: number): void {
    this.code = code;
  }
  send(body: string): void {
    this.body = body;
  }
  writeHead(code: number, headers: Record<string, unknown>): void {
    this.code = code;
    Object.assign(this.headers, headers);
  }
  write(text: string): boolean {
    this.written.push(text);
    return this.takes;
  }
  end(): void {
    this.isEnded = true;
  }
  get news(): unknown[] {
    return this.written.filter((text) => text.startsWith('data: ')).map((text) => JSON.parse(text.slice(6)));
  }
}

function setUp() {
  const watchers = new Set<(snapshot: Snapshot) => void>();
  const watch = {
    watch: (watcher: (snapshot: Snapshot) => void) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
  } as unknown as ClusterWatch;
  const service = new DashboardService(watch, { clock: new VirtualClock() } as unknown as ClusterService);
  const open = () => {
    const response = new Response();
    service.events(response as unknown as HttpResponse);
    return response;
  };
  const tell = (at: number) => watchers.forEach((watcher) => watcher({ at } as Snapshot));
  return { service, watchers, open, tell };
}

describe('the stream of a page', () => {
  it('brings the whole picture first, and then the parts that have changed, also those it passed over', () => {
    const { open, watchers } = setUp();
    const say = (snapshot: Partial<Snapshot>) => watchers.forEach((watcher) => watcher(snapshot as Snapshot));
    const response = open();
    say({ at: 1, cluster: 'shop', matrix: ['s'] });
    say({ at: 2, cluster: 'shop', matrix: ['s'] });
    response.takes = false;
    say({ at: 3, cluster: 'shop', matrix: ['su', 'us'] });
    say({ at: 4, cluster: 'shop', matrix: ['sx', 'xs'] });
    say({ at: 5, cluster: 'shop', matrix: ['sx', 'xs'] });
    response.takes = true;
    response.emit('drain');
    const late = open();
    say({ at: 6, cluster: 'shop', matrix: ['sx', 'xs'] });
    expect(response.news).toEqual([
      { at: 1, cluster: 'shop', matrix: ['s'] },
      { at: 2 },
      { at: 3, matrix: ['su', 'us'] },
      { at: 5, matrix: ['sx', 'xs'] },
      { at: 6 },
    ]);
    expect(late.news).toEqual([{ at: 6, cluster: 'shop', matrix: ['sx', 'xs'] }]);
  });

  it('brings the newest news only, once the network takes them again', () => {
    const { open, tell } = setUp();
    const response = open();
    tell(1);
    response.takes = false;
    for (const at of [2, 3, 4, 5]) tell(at);
    expect(response.news).toEqual([{ at: 1 }, { at: 2 }]);
    response.takes = true;
    response.emit('drain');
    expect(response.news).toEqual([{ at: 1 }, { at: 2 }, { at: 5 }]);
  });

  it('ends with its page, and nobody watches any more', () => {
    const { open, watchers } = setUp();
    const response = open();
    expect(watchers.size).toBe(1);
    response.emit('close');
    expect(watchers.size).toBe(0);
    expect(response.isEnded).toBe(true);
  });

  it('ends with its node, and is not opened anew, which would keep the HTTP server from closing', () => {
    const { service, open } = setUp();
    const response = open();
    service.onModuleDestroy();
    expect(response.isEnded).toBe(true);
    const again = open();
    expect([again.code, again.body]).toEqual([503, 'This node shuts down.']);
  });

  it('is refused when many are open', () => {
    const { open } = setUp();
    const codes = Array.from({ length: 51 }, () => open().code);
    expect(codes.filter((code) => code === 503)).toEqual([503]);
    expect(codes.at(-1)).toBe(503);
  });
});

describe('the page', () => {
  it.each([
    ['/peerage', './peerage/assets/page.js'],
    ['/api/v1/peerage/', './assets/page.js'],
    ['/peerage?x=/y', './peerage/assets/page.js'],
    ['/"><script>', './%22%3E%3Cscript%3E/assets/page.js'],
  ])('at %s is given files by %s', (originalUrl, address) => {
    const response = new Response();
    setUp().service.page({ originalUrl, url: '/', query: {} }, response as unknown as HttpResponse);
    expect(response.body).toContain(`src="${address}"`);
  });
});
