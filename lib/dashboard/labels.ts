import { formatHostPort, parseNodeName } from '../naming/node-name.js';
import type { NodeName } from '../naming/node-name.js';

/** The order in which people look for names: 10.0.0.9 before 10.0.0.10. */
export const { compare: inOrder } = new Intl.Collator('en', { numeric: true });

/** Of each node name the part that tells it from the others: without the app, or the host, that all of them share. */
export function labelsOf(names: readonly string[]): string[] {
  const parts = names.map(partsOf);
  const known = parts.filter((part) => part !== undefined);
  if (names.length === 1 || known.length < names.length) return [...names];
  const differ = (read: (part: NodeName) => unknown): boolean => new Set(known.map(read)).size > 1;
  const app = differ((part) => part.app);
  const host = differ((part) => part.host);
  const port = differ((part) => part.port);
  return known.map((part) => {
    const place = host || !port ? formatHostPort(part.host, port ? part.port : undefined) : `:${part.port}`;
    return app ? `${part.app}@${place}` : place;
  });
}

/** Names in a sentence. */
export function listed(names: readonly string[], most = 4): string {
  if (names.length <= 1) return names[0] ?? 'nobody';
  if (names.length > most)
    return `${names.slice(0, most - 1).join(', ')} and ${names.length - most + 1} more`;
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/** Other members say it: it may be no name. */
function partsOf(name: string): NodeName | undefined {
  try {
    return parseNodeName(name);
  } catch {
    return undefined;
  }
}
