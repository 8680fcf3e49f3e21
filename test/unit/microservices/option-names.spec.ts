import { describe, expect, it } from 'vitest';
import {
  PeerageClient,
  PeerageServer,
  peerageClient,
  peerageMicroservice,
} from '../../../lib/microservices/index.js';
import { FakeCluster } from '../../support/apps/fake-cluster.js';

const { service: cluster } = new FakeCluster('a@h');
const serializer = { serialize: (packet: unknown) => packet };

describe('an option that does not exist is told, with the one that was probably meant', () => {
  it.each([
    [
      'PeerageClient',
      'requestTo',
      'requestsTo',
      () => new PeerageClient({ cluster, requestTo: 'all' } as never),
    ],
    [
      'PeerageClient',
      'serialiser',
      'serializer',
      () => new PeerageClient({ cluster, serialiser: serializer } as never),
    ],
    ['PeerageServer', 'clutser', 'cluster', () => new PeerageServer({ clutser: cluster } as never)],
    ['peerageClient()', 'requestto', 'requestsTo', () => peerageClient('A', { requestto: 'all' } as never)],
    [
      'peerageMicroservice()',
      'deserialiser',
      'deserializer',
      () => peerageMicroservice({ deserialiser: 1 } as never),
    ],
  ])('%s: %s', (maker, wrong, right, make) => {
    const message = `${maker} has no option "${wrong}" (did you mean "${right}"?)`;
    expect(make).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTIONS', message: expect.stringContaining(message) }),
    );
  });

  it('not those that exist, given or left open', () => {
    const options = { serializer, deserializer: undefined };
    expect(() => [
      new PeerageClient({ cluster, requestsTo: undefined, ...options }),
      new PeerageServer({ cluster, ...options }),
      peerageClient('A', { requestsTo: 'nearest', ...options }),
      peerageMicroservice(options),
    ]).not.toThrow();
  });

  it('nor a route that is none', () => {
    const make = (requestsTo: unknown) => () => new PeerageClient({ cluster, requestsTo } as never);
    expect(make('nearst')).toThrow(/"nearst" is no route \(did you mean "nearest"\?\)/);
    for (const none of ['', null, 7, {}, { keys: 1 }])
      expect(make(none)).toThrow(/is no route; there are any,/);
    for (const one of ['all', { key: 7 }, { node: 'a@h' }]) expect(make(one)).not.toThrow();
  });

  it('nor something else than options', () => {
    expect(() => new PeerageClient(undefined as never)).toThrow(/PeerageClient takes an object/);
    expect(() => peerageMicroservice('all' as never)).toThrow(/takes an object/);
  });
});
