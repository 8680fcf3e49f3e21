import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseYaml, type Yaml } from '../apps/sample-yaml.js';

const repository = fileURLToPath(new URL('../../../', import.meta.url));
const TABLE = 'Which provider where';

/** A row of the table that says which provider to use on a platform. */
export interface PlatformRow {
  readonly platform: string;
  /** The code in its cell, in order. */
  readonly code: readonly string[];
  /** The text of that cell. */
  readonly text: string;
  /** How far it was tried. */
  readonly tested: string;
}

/** The pages, as one text: a block may move from one to another. */
const pages = [
  'README.md',
  ...readdirSync(join(repository, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]
  .map((page) => readFileSync(join(repository, page), 'utf8'))
  .join('\n');

export function platformRows(): PlatformRow[] {
  const lines = after(TABLE).split('\n');
  const first = lines.findIndex((line) => line.startsWith('|'));
  const end = lines.findIndex((line, i) => i > first && !line.startsWith('|'));
  return lines.slice(first + 2, end).map((line) => {
    const [platform = '', text = '', tested = ''] = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
    return { platform, code: [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code!), text, tested };
  });
}

export function platformRow(platform: string): PlatformRow {
  const row = platformRows().find((each) => each.platform === platform);
  if (!row) throw new Error(`The table "${TABLE}" has no row "${platform}".`);
  return row;
}

/** The first block of code in a language after what looks like a heading with these words. */
export function blockAfter(heading: string, language: string): string {
  const block = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'ms').exec(after(heading))?.[1];
  if (block === undefined) throw new Error(`No ${language} follows the heading "${heading}".`);
  return block;
}

/** The argument of the first `PeerageModule.forRoot(…)` with this provider after a heading. */
export function forRootAfter(heading: string, provider: string): string {
  const calls = blockAfter(heading, 'ts').split('PeerageModule.forRoot(').slice(1);
  const call = calls.find((text) => text.includes(`${provider}(`));
  if (call === undefined) throw new Error(`No ${provider}() follows the heading "${heading}".`);
  return call.slice(0, call.indexOf(');'));
}

/** The first documents of YAML after a heading. */
export function yamlAfter(heading: string): Yaml[] {
  return blockAfter(heading, 'yaml').split(/^---$/m).map(parseYaml);
}

/** Headings of Markdown, and paragraphs that begin in bold. */
function after(heading: string): string {
  const lines = pages.split('\n');
  const at = lines.findIndex((line) => /^(#+ |\*\*)/.test(line) && line.includes(heading));
  if (at < 0) throw new Error(`No page has the heading "${heading}".`);
  return lines.slice(at + 1).join('\n');
}
