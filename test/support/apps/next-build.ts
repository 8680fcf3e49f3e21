import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('../../../', import.meta.url));

/** What the next version of the wire changes in the built package, which Node.js loads as ES modules: it has a frame that today's does not know. */
const CHANGES = [
  {
    file: 'wire/frames.js',
    from: 'WIRE_VERSIONS = { min: 1, max: 2 }',
    to: 'WIRE_VERSIONS = { min: 1, max: 3 }',
  },
  { file: 'wire/frames.js', from: 'hello: 1,', to: 'hello: 1, gossip: 100,' },
  {
    file: 'wire/control-frames.js',
    from: 'switch (kind) {',
    to: "switch (kind) { case 100: return { kind: 'peers', body: { peers: [] } };",
  },
  {
    file: 'mesh/directive-performer.js',
    from: 'links.get(directive.link)?.established();',
    to: 'links.get(directive.link)?.established(); links.get(directive.link)?.send(100, { gossip: 1n });',
  },
];

/** A build of this package that speaks an artificial next version, too. Returns its root, and what removes it. */
export async function buildNext(): Promise<{ root: string; remove: () => Promise<void> }> {
  const root = await mkdtemp(join(tmpdir(), 'peerage-next-'));
  for (const part of ['package.json', 'dist', 'build'])
    await cp(join(here, part), join(root, part), { recursive: true });
  await symlink(join(here, 'node_modules'), join(root, 'node_modules'));
  for (const { file, from, to } of CHANGES) {
    const path = join(root, 'dist', 'esm', file);
    const source = await readFile(path, 'utf8');
    if (!source.includes(from))
      throw new Error(`${file} has no ${JSON.stringify(from)}: adapt the next version.`);
    await writeFile(path, source.replace(from, to));
  }
  return { root, remove: () => rm(root, { recursive: true, force: true }) };
}
