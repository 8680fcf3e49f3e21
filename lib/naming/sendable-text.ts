/** The one key that no object may have in what nodes tell each other: it would change the prototype. */
export const FORBIDDEN_KEY = '__proto__';

/** Why a text cannot be told: UTF-8 has no form for it. */
export const HALF_A_CHARACTER = 'has half of a surrogate pair (a text cut within a character)';

interface WellFormed {
  isWellFormed(): boolean;
}

/** Whether nodes can tell each other this text. */
export function isSendableText(text: string): boolean {
  return (text as unknown as WellFormed).isWellFormed();
}

/** What keeps a value from being a name or key that nodes tell each other, to follow `a key`; nothing when it may be. */
export function keyFault(value: unknown, maxLength: number): string | undefined {
  if (typeof value !== 'string' || value.length === 0 || value.length > maxLength)
    return `is a text of 1 to ${maxLength} characters`;
  return isSendableText(value) ? undefined : `is a text that can be sent, and this one ${HALF_A_CHARACTER}`;
}
