/**
 * What a handler failed with, as it travels: an error becomes a plain object with its name, message and own
 * properties, without a stack. Everything else stays as it is.
 */
export function plainError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  return Object.assign({ status: 'error', name: error.name, message: error.message }, error);
}
