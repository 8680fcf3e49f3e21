import { join, relative } from 'node:path';
import ts from 'typescript';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { readManifest } from './support/commands.js';

const unpacked = inject('unpacked');

/** The declarations of every entry, as editors read them. */
const entries = Object.values(readManifest(unpacked).exports ?? {})
  .map((conditions) => (conditions as { require?: { types?: string } }).require?.types)
  .filter((file) => file !== undefined)
  .map((file) => join(unpacked, file));

interface Documented {
  /** `PeerageModuleOptions.heartbeat` */
  readonly name: string;
  readonly comment: string;
}

/** Every exported name, and the members of those that are classes, interfaces or objects. */
function publicNames(program: ts.Program): Documented[] {
  const checker = program.getTypeChecker();
  const found: Documented[] = [];

  const add = (name: string, symbol: ts.Symbol) => {
    const comment = ts.displayPartsToString(symbol.getDocumentationComment(checker));
    const tags = symbol.getJsDocTags(checker).map((tag) => ts.displayPartsToString(tag.text));
    found.push({ name, comment: [comment, ...tags].join('').trim() });
  };

  const addMembers = (name: string, members: ReadonlyMap<ts.__String, ts.Symbol> | undefined) => {
    for (const member of members?.values() ?? []) {
      const isNamed = !(member.flags & UNNAMED) && member.name !== 'prototype';
      if (isNamed && member.declarations?.every(isPublic)) add(`${name}.${member.name}`, member);
    }
  };

  for (const entry of entries) {
    const file = program.getSourceFile(entry)!;
    for (const symbol of checker.getExportsOfModule(checker.getSymbolAtLocation(file)!)) {
      const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
      if (!target.declarations?.every((declaration) => isOurs(declaration))) continue;
      add(target.name, target);
      if (target.flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface)) {
        addMembers(target.name, target.members);
        addMembers(target.name, target.exports);
      }
    }
  }
  return found;
}

const UNNAMED = ts.SymbolFlags.Constructor | ts.SymbolFlags.TypeParameter | ts.SymbolFlags.Signature;

function isPublic(declaration: ts.Declaration): boolean {
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
  return (ts.getCombinedModifierFlags(declaration) & hidden) === 0;
}

const isOurs = (declaration: ts.Declaration) =>
  declaration.getSourceFile().fileName.startsWith(unpacked.replaceAll('\\', '/'));

describe('the public API', () => {
  let names: Documented[];
  beforeAll(() => {
    const program = ts.createProgram(entries, {
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      types: [],
      noLib: true,
      typeRoots: [],
    });
    names = publicNames(program);
  });

  it('is read whole', () => {
    expect(entries.map((entry) => relative(unpacked, entry))).toContain(join('dist', 'cjs', 'index.d.ts'));
    const read = names.map(({ name }) => name);
    expect(read).toEqual(
      expect.arrayContaining([
        'PeerageModule.forRoot',
        'HeartbeatOptions.downMs',
        'LimitOptions.peers',
        'PeerageTlsOptions.ca',
        'WaitForOptions.timeoutMs',
        'ClusterService.broadcast',
        'viaRedis',
        'TestCluster.start',
      ]),
    );
  });

  it('has a comment on every name, which editors show', () => {
    expect(names.filter(({ comment }) => comment === '').map(({ name }) => name)).toEqual([]);
  });
});
