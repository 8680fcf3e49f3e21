import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { viaKubernetes } from '../../../../lib/via/kubernetes/via-kubernetes.js';

const self = { name: 'kit@10.9.9.9:4001', bootId: '1', host: '10.9.9.9', port: 4001, meta: {} };

describe('an answer that the API does not give', () => {
  let server: Server | undefined;
  afterEach(() => void server?.close());

  async function pollOf(status: number, body: string, headers = {}): Promise<Iterable<string>> {
    server = createServer((_request, response) => response.writeHead(status, headers).end(body));
    await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const provider = viaKubernetes({
      service: 'web',
      namespace: 'prod',
      server: url,
      accountFolder: '/none',
    });
    return provider.poll({ self, signal: AbortSignal.timeout(5_000) });
  }

  it.each<[string, RegExp]>([
    ['{"metadata":{},"items":null}', /no list.*"\{\\"metadata\\":\{\},\\"items\\":null\}".*server/],
    ['{}', /no list/],
    ['null', /no list/],
    ['7', /no list/],
    ['{"items":{}}', /no list/],
    ['<!DOCTYPE html>\n<html>', /no list.*"<!DOCTYPE html> <html>"/],
    ['', /no list/],
  ])('200 %j is told as what it is, with what to do', async (body, why) => {
    const polling = pollOf(200, body);
    await expect(polling).rejects.toMatchObject({ code: 'PROVIDER_FAILED' });
    await expect(polling).rejects.toThrow(why);
    await expect(polling).rejects.toThrow(/proxy with a login: give the address of the API itself/);
  });

  it('that sends us elsewhere names the place, without what it says there', async () => {
    const polling = pollOf(302, '', { location: 'https://login.corp/start?token=hunter2' });
    await expect(polling).rejects.toThrow(/302: it sends us to https:\/\/login.corp\/start\. .*proxy/);
    await expect(polling).rejects.not.toThrow(/hunter2|overloaded/);
  });

  it.each<[number, RegExp]>([
    [301, /proxy/],
    [404, /namespace and selector/],
    [429, /overloaded/],
    [503, /overloaded/],
  ])('of status %d has advice of its own', async (status, advice) => {
    await expect(pollOf(status, 'no')).rejects.toThrow(advice);
  });

  it('that is an empty list is one', async () => {
    expect([...(await pollOf(200, '{"items":[]}'))]).toEqual([]);
  });
});
