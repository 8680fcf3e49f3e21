import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PAGE_FILES } from '../../../lib/dashboard/page.source.js';
import type { Snapshot } from '../../../lib/dashboard/snapshot.types.js';

const TYPES: Readonly<Record<string, string>> = { js: 'text/javascript', css: 'text/css' };

/** Serves the page of the dashboard, and news that a test makes up: for clusters larger than can be started here. */
export class PageServer {
  private readonly streams = new Set<ServerResponse>();
  private readonly server: Server;

  private constructor(private snapshot: Snapshot) {
    this.server = createServer(({ url = '/' }, response) => this.answer(url, response));
  }

  static async start(snapshot: Snapshot): Promise<PageServer> {
    const made = new PageServer(snapshot);
    await new Promise<void>((resolve) => made.server.listen(0, '127.0.0.1', resolve));
    return made;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
  }

  /** There is news. */
  tell(snapshot: Snapshot): void {
    this.snapshot = snapshot;
    for (const stream of this.streams) stream.write(`data: ${JSON.stringify(snapshot)}\n\n`);
  }

  stop(): void {
    for (const stream of this.streams) stream.end();
    this.server.close();
  }

  private answer(url: string, response: ServerResponse): void {
    const file = url.split('/').at(-1)!;
    if (file === 'events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      this.streams.add(response);
      return this.tell(this.snapshot);
    }
    const text = file === '' ? PAGE_FILES['page.html']!.replaceAll('{{base}}', '.') : PAGE_FILES[file];
    response.writeHead(text === undefined ? 404 : 200, {
      'content-type': TYPES[file.split('.').at(-1)!] ?? 'text/html',
    });
    response.end(text);
    return undefined;
  }
}
