import { Injectable } from '@nestjs/common';
import type { OnModuleDestroy } from '@nestjs/common';
import { ClusterService } from '../cluster/cluster.service.js';
import { PeerageError } from '../errors/peerage-error.js';
import { ClusterWatch } from './cluster-watch.js';
import { answer, openStream, pathOf } from './http.js';
import type { HttpRequest, HttpResponse } from './http.js';
import { PAGE_FILES } from './page.source.js';
import { SnapshotStream } from './snapshot-stream.js';

/** Pages that may be open at once. */
const MOST_PAGES = 50;

const TYPES: Readonly<Record<string, string>> = { js: 'text/javascript', css: 'text/css', html: 'text/html' };

/** Answers what the page asks. */
@Injectable()
export class DashboardService implements OnModuleDestroy {
  private readonly streams = new Set<SnapshotStream>();
  private isLeaving = false;

  constructor(
    private readonly watch: ClusterWatch,
    private readonly cluster: ClusterService,
  ) {}

  /** Open streams would keep the HTTP server from closing, and so would those that pages open anew. */
  onModuleDestroy(): void {
    this.isLeaving = true;
    for (const stream of [...this.streams]) stream.end();
  }

  /** What the page loads is addressed from where it is, whatever prefix or proxy is before it. */
  page(request: HttpRequest, response: HttpResponse): void {
    const path = pathOf(request);
    const base = path.endsWith('/') ? '.' : `./${escaped(path.slice(path.lastIndexOf('/') + 1))}`;
    answer(response, 'text/html', PAGE_FILES['page.html']!.replaceAll('{{base}}', base));
  }

  asset(request: HttpRequest, response: HttpResponse): void {
    const path = pathOf(request);
    const file = path.slice(path.lastIndexOf('/') + 1);
    const text = Object.hasOwn(PAGE_FILES, file) && !file.endsWith('.html') ? PAGE_FILES[file] : undefined;
    if (text !== undefined) return answer(response, TYPES[file.split('.').at(-1)!]!, text);
    response.status(404);
    return answer(response, 'text/plain', 'There is no such file.');
  }

  events(response: HttpResponse): void {
    if (this.isLeaving || this.streams.size >= MOST_PAGES) {
      response.status(503);
      const why = this.isLeaving ? 'This node shuts down.' : `${MOST_PAGES} pages are open already.`;
      return answer(response, 'text/plain', why);
    }
    const ended = (stream: SnapshotStream): void => void this.streams.delete(stream);
    this.streams.add(new SnapshotStream(openStream(response), this.watch, this.cluster.clock, ended));
    return undefined;
  }

  async explain({ query }: HttpRequest, response: HttpResponse): Promise<void> {
    const { name } = (query ?? {}) as { readonly name?: unknown };
    try {
      const told = await this.watch.explain(typeof name === 'string' ? name.trim() : '');
      answer(response, 'application/json', JSON.stringify(told));
    } catch (error) {
      if (!(error instanceof PeerageError)) throw error;
      response.status(400);
      answer(response, 'application/json', JSON.stringify({ message: error.message }));
    }
  }
}

function escaped(text: string): string {
  return text.replace(/[^\w.~%-]/g, (character) => encodeURIComponent(character));
}
