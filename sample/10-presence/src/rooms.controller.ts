import { Controller, Get, Header, Param, Query, Sse } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { map } from 'rxjs';
import { page } from './page.js';
import type { Guest } from './rooms.service.js';
import { RoomsService } from './rooms.service.js';

@Controller()
export class RoomsController {
  constructor(private readonly rooms: RoomsService) {}

  @Get()
  @Header('content-type', 'text/html; charset=utf-8')
  page(): string {
    return page;
  }

  /** The stream is the visit: when the browser goes, or its network, the guest has left. */
  @Sse('rooms/:room/live')
  enter(@Param('room') room: string, @Query('name') name = 'somebody'): Observable<{ data: Guest[] }> {
    return this.rooms.enter(room, name).pipe(map((data) => ({ data })));
  }

  @Get('rooms/:room')
  guests(@Param('room') room: string): Guest[] {
    return this.rooms.guests(room);
  }
}
