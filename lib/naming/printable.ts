/** A text that strangers may have had a hand in, on one line and without control characters. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ').trim();
}
