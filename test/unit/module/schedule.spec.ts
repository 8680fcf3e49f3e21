import { Injectable } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { Cron, Interval, ScheduleModule, SchedulerRegistry, Timeout } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import type { TestingModule } from '@nestjs/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CapturedLog } from '../../support/captured-log.js';
import { fakeApp } from '../../support/apps/nest-app.js';

@Injectable()
class Jobs {
  readonly fired = { cron: 0, interval: 0, timeout: 0 };
  @Cron('* * * * * *')
  cron() {
    this.fired.cron++;
  }
  @Interval(300)
  interval() {
    this.fired.interval++;
  }
  @Timeout(500)
  timeout() {
    this.fired.timeout++;
  }
}

const asyncModule = () => ScheduleModule.forRootAsync({ useFactory: () => ({ cronJobs: true }) });

describe('the scheduled tasks of the app', () => {
  let open: TestingModule[] = [];

  beforeEach(() => {
    vi.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
    });
  });
  afterEach(async () => {
    await Promise.all(open.map((module) => module.close()));
    open = [];
    vi.useRealTimers();
  });

  async function withPeerage(schedule: DynamicModule[], polled: () => void): Promise<TestingModule> {
    const via = () => {
      polled();
      return [];
    };
    const peerage = { via, intervalMs: 1_000 };
    const { module } = await fakeApp({ imports: schedule, providers: [Jobs], peerage });
    open.push(module);
    return module.init();
  }

  async function withoutPeerage(schedule: DynamicModule[]): Promise<TestingModule> {
    const module = await Test.createTestingModule({ imports: schedule, providers: [Jobs] })
      .setLogger(new CapturedLog())
      .compile();
    open.push(module);
    return module.init();
  }

  it.each<[string, () => DynamicModule[]]>([
    ['ScheduleModule.forRoot()', () => [ScheduleModule.forRoot()]],
    ['ScheduleModule.forRoot() without intervals', () => [ScheduleModule.forRoot({ intervals: false })]],
    ['ScheduleModule.forRoot() without timeouts', () => [ScheduleModule.forRoot({ timeouts: false })]],
    ['ScheduleModule.forRootAsync()', () => [asyncModule()]],
    ['no ScheduleModule', () => []],
  ])('fire as often as without Peerage, with %s, and the poll runs', async (_what, schedule) => {
    let polls = 0;
    const app = await withPeerage(schedule(), () => polls++);
    const control = await withoutPeerage(schedule());
    await vi.advanceTimersByTimeAsync(10_000);
    const expected = control.get(Jobs).fired;
    expect(app.get(Jobs).fired).toEqual(expected);
    expect(expected.cron).toBe(schedule().length === 0 ? 0 : 10);
    expect(polls).toBeGreaterThanOrEqual(9);
    expect(polls).toBeLessThanOrEqual(13);
  });

  it('share their registry with the poll, which ends with it', async () => {
    let polls = 0;
    const app = await withPeerage([ScheduleModule.forRoot()], () => polls++);
    const registry = app.get(SchedulerRegistry);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(registry.doesExist('timeout', 'peerage.poll')).toBe(true);
    const before = polls;
    expect(before).toBeGreaterThan(1);
    await app.close();
    expect(registry.getTimeouts()).toEqual([]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(polls).toBe(before);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('may delete the poll, and then it is over', async () => {
    let polls = 0;
    const app = await withPeerage([ScheduleModule.forRoot()], () => polls++);
    await vi.advanceTimersByTimeAsync(3_000);
    const before = polls;
    app.get(SchedulerRegistry).deleteTimeout('peerage.poll');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(polls).toBe(before);
  });
});
