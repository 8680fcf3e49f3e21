/** What we use of `@angular-devkit/schematics`, which the Nest CLI brings along and we need not import. */
export interface Tree {
  exists(path: string): boolean;
  readText(path: string): string;
  overwrite(path: string, content: string): void;
  create(path: string, content: string): void;
}

export interface SchematicContext {
  readonly logger: { info(message: string): void; warn(message: string): void };
  addTask(task: { toConfiguration(): { name: string; options: unknown } }): unknown;
}

export type Rule = (tree: Tree, context: SchematicContext) => void;
