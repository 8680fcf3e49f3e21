import { expect, it } from 'vitest';
import { type Via, viaList, viaLocal, viaSelf } from '../../../lib/index.js';
import { OwnNode } from '../../../lib/mesh/own-node.js';
import { settings } from '../../support/peerage-settings.js';

it.each<[string, Via[], number]>([
  ['looks for nodes of other machines', [viaList(['a@10.0.0.1'])], 1],
  ['looks for some there, and for some on this one', [viaLocal(), viaList(['a@10.0.0.1'])], 1],
  ['waits to be found', [viaSelf()], 1],
  ['looks for nodes of this machine only', [viaLocal()], 0],
])('a node without a secret that %s', (_how, via, notes) => {
  const { bindNotes } = new OwnNode(
    settings({ via }),
    undefined,
    () => {},
    () => {},
  );
  expect(bindNotes).toHaveLength(notes);
});
