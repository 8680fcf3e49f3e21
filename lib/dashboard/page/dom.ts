/** An element with a class and a text. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = '',
  text = '',
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (className !== '') made.className = className;
  if (text !== '') made.textContent = text;
  return made;
}

/** The element of the page with this id. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

/** Writes a text only where it differs, so that screen readers and selections are left alone. */
export function write(node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

const KEY = Symbol('key');

/** Has `parent` hold one child for each item, in order; those that stay are updated, not made again. */
export function sync<T, E extends Element>(
  parent: Element,
  items: readonly T[],
  keyOf: (item: T) => string,
  make: (item: T) => E,
  update: (child: E, item: T) => void,
): void {
  const old = new Map<string, E>();
  for (const child of parent.children) old.set((child as unknown as { [KEY]: string })[KEY], child as E);
  let at = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    let child = old.get(key);
    if (child) old.delete(key);
    else {
      child = make(item);
      (child as unknown as { [KEY]: string })[KEY] = key;
    }
    update(child, item);
    if (child === at) at = at.nextElementSibling;
    else parent.insertBefore(child, at);
  }
  for (const child of old.values()) child.remove();
}
