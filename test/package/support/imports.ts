import { readFileSync, readdirSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join } from 'node:path';
import ts from 'typescript';

/** Every file below `folder`, as paths that use `/`. */
export function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .map((path) => path.replaceAll('\\', '/'))
    .toSorted();
}

/** What a file imports, exports from and, if `alsoLater`, loads with `import()`: the texts as they stand there. */
export function importsOf(file: string, alsoLater = true): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    const specifier = specifierOf(node, alsoLater);
    if (specifier !== undefined && ts.isStringLiteralLike(specifier)) found.push(specifier.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest));
  return found;
}

function specifierOf(node: ts.Node, alsoLater: boolean): ts.Node | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier;
  if (ts.isImportTypeNode(node))
    return ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined;
  const isImportCall = ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword;
  return isImportCall && alsoLater ? node.arguments[0] : undefined;
}

/** The package that an import comes from; undefined for files and for Node's own modules. */
export function packageOf(specifier: string): string | undefined {
  if (specifier.startsWith('.') || specifier.startsWith('node:') || builtinModules.includes(specifier))
    return undefined;
  return /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0];
}

/**
 * The files that are loaded with `entry`, itself included. `extension` is what `.js` stands for: `.js` or
 * `.d.ts`. What an `import()` loads in code is loaded later, by who needs it.
 */
export function reachableFrom(entry: string, extension: '.js' | '.d.ts'): string[] {
  const reached = new Set<string>();
  const waiting = [entry];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (reached.has(file)) continue;
    reached.add(file);
    const folder = dirname(file);
    const next = importsOf(file, extension === '.d.ts').filter((specifier) => specifier.startsWith('.'));
    waiting.push(...next.map((specifier) => join(folder, specifier.replace(/\.js$/, extension))));
  }
  return [...reached];
}
