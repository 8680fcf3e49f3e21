import { isAscii } from './utf8.js';

/** Longer strings are not remembered. */
const MAX_LENGTH = 48;
/** Strings that are remembered at once; a power of two. */
const PLACES = 4096;

/** Keys and topics that were read before: found again by their bytes, they need not be made again. */
export class StringCache {
  private readonly places: (string | undefined)[] = Array.from({ length: PLACES });

  get(bytes: Uint8Array, start: number, end: number): string | undefined {
    const length = end - start;
    if (length === 0 || length > MAX_LENGTH) return undefined;
    const known = this.places[placeOf(bytes, start, end)];
    return known !== undefined && known.length === length && isAscii(bytes, start, known) ? known : undefined;
  }

  add(bytes: Uint8Array, start: number, end: number, text: string): void {
    const length = end - start;
    // Only ASCII has as many bytes as characters, and can be compared without decoding.
    if (length > 0 && length <= MAX_LENGTH && text.length === length)
      this.places[placeOf(bytes, start, end)] = text;
  }
}

function placeOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  const mixed = (bytes[start]! << 7) ^ (bytes[start + (length >> 1)]! << 4) ^ bytes[end - 1]! ^ (length << 9);
  return mixed & (PLACES - 1);
}
