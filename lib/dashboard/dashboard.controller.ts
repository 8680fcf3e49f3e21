import { Controller, Get, Inject, Req, Res, UseGuards, VERSION_NEUTRAL } from '@nestjs/common';
import type { Type } from '@nestjs/common';
import type { PeerageDashboardOptions } from './dashboard.options.js';
import { DashboardService } from './dashboard.service.js';
import type { HttpRequest, HttpResponse } from './http.js';

/**
 * A controller of its own for each import, since path and guards are part of it. It takes requests and responses as
 * they are, so that pipes and interceptors of the app leave the page alone; its global guards hold.
 */
export function createController({ path = '/peerage', guards = [] }: PeerageDashboardOptions): Type {
  @Controller({ path, version: VERSION_NEUTRAL })
  @UseGuards(...guards)
  class PeerageDashboardController {
    constructor(@Inject(DashboardService) private readonly service: DashboardService) {}

    @Get()
    page(@Req() request: HttpRequest, @Res() response: HttpResponse): void {
      this.service.page(request, response);
    }

    @Get('assets/:file')
    asset(@Req() request: HttpRequest, @Res() response: HttpResponse): void {
      this.service.asset(request, response);
    }

    @Get('events')
    events(@Res() response: HttpResponse): void {
      this.service.events(response);
    }

    @Get('explain')
    explain(@Req() request: HttpRequest, @Res() response: HttpResponse): Promise<void> {
      return this.service.explain(request, response);
    }
  }
  return PeerageDashboardController;
}
