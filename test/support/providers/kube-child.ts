import { once } from 'node:events';
import { FakeKubeApi, slice } from './kube-api.js';

/** What the program prints when it listens. */
export interface KubeChild {
  readonly server: string;
  readonly accountFolder: string;
}

/** `<host> <slices>`: serves EndpointSlices of the service `web`, by name, until its input ends. */
export async function main([host = '', slices = '{}']: string[]): Promise<void> {
  const api = await FakeKubeApi.start(host);
  for (const [name, addresses] of Object.entries(JSON.parse(slices) as Record<string, string[]>))
    api.put('endpointslices', slice(name, addresses));
  const child: KubeChild = { server: api.url, accountFolder: api.accountFolder };
  process.stdout.write(`${JSON.stringify(child)}\n`);
  process.stdin.resume();
  await once(process.stdin, 'end');
  await api.stop();
}
