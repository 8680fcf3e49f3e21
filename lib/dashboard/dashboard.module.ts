import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { ClusterWatch } from './cluster-watch.js';
import { createController } from './dashboard.controller.js';
import type { PeerageDashboardOptions } from './dashboard.options.js';
import { DashboardService } from './dashboard.service.js';

/**
 * One page that shows the whole cluster, live: who sees whom, what happened and why. It needs `PeerageModule` in the
 * same app, and an app with HTTP, by Express or Fastify. Nodes that do not import it are shown as well. It shows
 * nothing secret and changes nothing, but tells names and addresses of nodes: give it `guards`, or keep it off what
 * strangers reach.
 *
 * @publicApi
 */
@Module({})
export class PeerageDashboardModule {
  /** Adds the page to the app. Import it once, beside `PeerageModule`. */
  static forRoot(options: PeerageDashboardOptions = {}): DynamicModule {
    return {
      module: PeerageDashboardModule,
      imports: options.imports ?? [],
      controllers: [createController(options)],
      providers: [ClusterWatch, DashboardService],
    };
  }
}
