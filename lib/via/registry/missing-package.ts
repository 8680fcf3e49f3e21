const NOT_FOUND = new Set<unknown>(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND']);

/**
 * What an optional package that is not installed is: undefined. Any other fault of loading it is thrown on; that it
 * is there and misses a package of its own is one.
 */
export function absent(name: string, error: unknown): undefined {
  if (isMissing(name, error)) return undefined;
  throw error;
}

/** Whether the package of that name is what could not be found, by `import` or `require`, in a bundle or not. */
export function isMissing(name: string, error: unknown): boolean {
  const { code, message = '' } = error as { code?: unknown; message?: string };
  // The first line says what was looked for, those after it by whom.
  const [line = ''] = message.split('\n');
  return NOT_FOUND.has(code) && line.split(/[\s'"`]+/).includes(name);
}
