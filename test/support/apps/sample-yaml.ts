/** What a YAML file of the samples says. */
export type Yaml = string | number | boolean | Yaml[] | { [key: string]: Yaml };

interface Line {
  readonly indent: number;
  readonly text: string;
  readonly number: number;
}

/**
 * Reads the YAML that the samples are written in: block mappings and lists, plain scalars, comments on lines of
 * their own. Throws at anything else, so that it never misreads a file.
 */
export function parseYaml(text: string): Yaml {
  const lines = text
    .split('\n')
    .map((line, i) => ({ indent: line.search(/\S/), text: line.trim(), number: i + 1 }))
    .filter((line) => line.text !== '' && !line.text.startsWith('#'));
  const value = readBlock(lines, lines[0]?.indent ?? 0);
  if (lines.length > 0) throw unreadable(lines[0]!);
  return value;
}

function readBlock(lines: Line[], indent: number): Yaml {
  return lines[0]?.text.startsWith('- ') ? readList(lines, indent) : readMapping(lines, indent);
}

function readList(lines: Line[], indent: number): Yaml[] {
  const items: Yaml[] = [];
  while (lines[0]?.indent === indent && lines[0].text.startsWith('- ')) {
    const line = lines[0];
    const inner = { ...line, indent: indent + 2, text: line.text.slice(2).trim() };
    if (/^[\w-]+:( |$)/.test(inner.text)) {
      lines[0] = inner;
      items.push(readMapping(lines, inner.indent));
    } else {
      lines.shift();
      items.push(readScalar(inner));
    }
  }
  return items;
}

function readMapping(lines: Line[], indent: number): { [key: string]: Yaml } {
  const mapping: { [key: string]: Yaml } = {};
  while (lines[0]?.indent === indent && !lines[0].text.startsWith('- ')) {
    const line = lines.shift()!;
    const [, key, rest] = /^([\w-]+):(?: +(.+))?$/.exec(line.text) ?? [];
    if (key === undefined || key in mapping) throw unreadable(line);
    if (rest !== undefined) mapping[key] = readScalar({ ...line, text: rest });
    else if ((lines[0]?.indent ?? 0) > indent) mapping[key] = readBlock(lines, lines[0].indent);
    else throw unreadable(line);
  }
  return mapping;
}

function readScalar(line: Line): Yaml {
  const { text } = line;
  if (/^[\d]+$/.test(text)) return Number(text);
  if (text === 'true' || text === 'false') return text === 'true';
  if (/^[\w./$]/.test(text) && !/(: | #)/.test(text) && !/^(null|yes|no|on|off|~)$/i.test(text)) return text;
  throw unreadable(line);
}

function unreadable({ number, text }: Line): Error {
  return new Error(`Line ${number} is no YAML that the samples are written in: ${text}`);
}
