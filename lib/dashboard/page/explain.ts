import type { Snapshot } from '../snapshot.types.js';
import { byId, element, sync } from './dom.js';

interface Told {
  readonly node: string;
  readonly answer:
    string | { readonly state: string; readonly summary: string; readonly foundBy: readonly string[] };
}

const form = byId<HTMLFormElement>('explain');
const field = byId<HTMLInputElement>('explain-name');
const box = byId('explained');

/** The names that can be chosen. */
export function offerNames({ nodes }: Snapshot): void {
  sync(
    byId('names'),
    nodes.map(({ name }) => name),
    (name) => name,
    (name) => {
      const option = element('option');
      option.value = name;
      return option;
    },
    () => {},
  );
}

export function answerQuestions(base: string): void {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void ask(base, field.value.trim());
  });
}

async function ask(base: string, name: string): Promise<void> {
  box.replaceChildren(element('p', 'quiet', 'Asking every node…'));
  try {
    const response = await fetch(`${base}/explain?name=${encodeURIComponent(name)}`);
    const told = (await response.json()) as Told[] | { readonly message?: string };
    if (Array.isArray(told)) show(name, told);
    else box.replaceChildren(element('p', '', told.message ?? `No answer (${response.status}).`));
  } catch (error) {
    box.replaceChildren(element('p', '', `No answer: ${String(error)}`));
  }
}

/** Nodes that say the same are one entry. */
function show(name: string, told: readonly Told[]): void {
  const groups = new Map<string, string[]>();
  for (const { node, answer } of told) {
    const words = typeof answer === 'string' ? answer : wordsOf(answer);
    groups.set(words, [...(groups.get(words) ?? []), node]);
  }
  const list = element('dl');
  for (const [words, nodes] of groups) {
    const who = nodes.length > 4 ? `${nodes.length} nodes` : nodes.join(', ');
    list.append(element('dt', '', `${who}:`), element('dd', '', words));
  }
  box.replaceChildren(element('h3', '', name), list);
}

function wordsOf({ state, summary, foundBy }: Exclude<Told['answer'], string>): string {
  const from = foundBy.length === 0 ? '' : ` Known from: ${foundBy.join(', ')}.`;
  return `${state}. ${summary}${from}`;
}
