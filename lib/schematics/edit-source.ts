import { createRequire } from 'node:module';
import { join } from 'node:path';
import type ts from 'typescript';
import type { ModuleCode } from './vias.js';

/** The compiler of the app itself: every Nest app has one. */
export function compilerOf(folder: string): unknown {
  try {
    return createRequire(join(folder, 'package.json'))('typescript');
  } catch {
    return undefined;
  }
}

/** A piece of text, put in the place of another one. */
interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The root module with one import more. `undefined`: there is no `@Module({ … })` in it. */
export function addToModule(
  text: string,
  { element, names }: ModuleCode,
  compiler: unknown,
): string | undefined {
  const typescript = compiler as typeof ts;
  const file = parse(text, typescript);
  const metadata = moduleMetadata(file, typescript);
  if (!metadata) return undefined;
  return apply(text, [
    ...importStatements(file, names, typescript),
    inImports(file, metadata, element, typescript),
  ]);
}

/** `main` with shutdown hooks. `undefined`: no app is created in it. */
export function addShutdownHooks(text: string, compiler: unknown): string | undefined {
  const typescript = compiler as typeof ts;
  const file = parse(text, typescript);
  const created = creationOf(file, typescript);
  if (!created) return undefined;
  const { statement, app } = created;
  const line = `\n${indentAt(text, statement.getStart(file))}${app}.enableShutdownHooks();`;
  return apply(text, [{ start: statement.end, end: statement.end, text: line }]);
}

function parse(text: string, typescript: typeof ts): ts.SourceFile {
  return typescript.createSourceFile('file.ts', text, typescript.ScriptTarget.Latest, true);
}

function find<T>(
  node: ts.Node,
  look: (node: ts.Node) => T | undefined,
  typescript: typeof ts,
): T | undefined {
  return look(node) ?? typescript.forEachChild(node, (child) => find(child, look, typescript));
}

function moduleMetadata(file: ts.SourceFile, typescript: typeof ts): ts.ObjectLiteralExpression | undefined {
  return find(
    file,
    (node) => {
      if (!typescript.isDecorator(node) || !typescript.isCallExpression(node.expression)) return undefined;
      const [argument] = node.expression.arguments;
      const isModule = node.expression.expression.getText(file) === 'Module';
      return isModule && argument && typescript.isObjectLiteralExpression(argument) ? argument : undefined;
    },
    typescript,
  );
}

function inImports(
  file: ts.SourceFile,
  metadata: ts.ObjectLiteralExpression,
  element: string,
  typescript: typeof ts,
): Edit {
  const text = file.text;
  const property = metadata.properties.find((one) => one.name?.getText(file) === 'imports');
  if (!property) {
    const first = metadata.properties[0];
    const indent = first ? indentAt(text, first.getStart(file)) : '  ';
    const at = metadata.getStart(file) + 1;
    const line = `\n${indent}imports: [\n${indented(element, `${indent}  `)},\n${indent}],`;
    return { start: at, end: at, text: first ? line : `${line}\n` };
  }
  const indent = indentAt(text, property.getStart(file));
  const own = indented(element, `${indent}  `);
  const value = typescript.isPropertyAssignment(property) ? property.initializer : undefined;
  if (!value || !typescript.isArrayLiteralExpression(value)) {
    const rest = value?.getText(file) ?? 'imports';
    const array = `imports: [\n${own},\n${indent}  ...${rest},\n${indent}]`;
    return { start: property.getStart(file), end: property.end, text: array };
  }
  const last = value.elements.at(-1);
  const isOneLine = !value.getText(file).includes('\n');
  if (isOneLine) {
    const elements = [...value.elements.map((one) => `${indent}  ${one.getText(file)}`), own];
    return { start: value.getStart(file), end: value.end, text: `[\n${elements.join(',\n')},\n${indent}]` };
  }
  // Comments behind the last element stay where they are.
  const hasComma = value.elements.hasTrailingComma;
  const at = last ? (hasComma ? text.indexOf(',', last.end) + 1 : last.end) : value.getStart(file) + 1;
  const comma = last && !hasComma ? ',' : '';
  return { start: at, end: at, text: `${comma}\n${own},` };
}

function importStatements(file: ts.SourceFile, names: ModuleCode['names'], typescript: typeof ts): Edit[] {
  const statements = file.statements.filter((one) => typescript.isImportDeclaration(one));
  const last = statements.at(-1);
  const quote = last?.moduleSpecifier.getText(file)[0] ?? "'";
  const lines = Object.entries(names).map(
    ([from, list]) => `import { ${list.join(', ')} } from ${quote}${from}${quote};`,
  );
  if (last) return [{ start: last.end, end: last.end, text: `\n${lines.join('\n')}` }];
  return [{ start: 0, end: 0, text: `${lines.join('\n')}\n` }];
}

/** The statement that makes the app, and its variable. */
function creationOf(
  file: ts.SourceFile,
  typescript: typeof ts,
): { readonly statement: ts.Statement; readonly app: string } | undefined {
  return find(
    file,
    (node) => {
      if (!typescript.isVariableStatement(node)) return undefined;
      const [declaration] = node.declarationList.declarations;
      const isCreation = /\bNestFactory\s*\.\s*create\w*\s*[<(]/.test(
        declaration?.initializer?.getText(file) ?? '',
      );
      return isCreation && declaration ? { statement: node, app: declaration.name.getText(file) } : undefined;
    },
    typescript,
  );
}

function apply(text: string, edits: readonly Edit[]): string {
  const fromBehind = edits.toSorted((a, b) => b.start - a.start);
  const changed = fromBehind.reduce(
    (left, edit) => left.slice(0, edit.start) + edit.text + left.slice(edit.end),
    text,
  );
  return text.includes('\r\n') ? changed.replace(/\r?\n/g, '\r\n') : changed;
}

function indentAt(text: string, position: number): string {
  const line = text.slice(text.lastIndexOf('\n', position - 1) + 1, position);
  return /^\s*/.exec(line)![0];
}

function indented(text: string, indent: string): string {
  return text
    .split('\n')
    .map((line) => indent + line)
    .join('\n');
}
