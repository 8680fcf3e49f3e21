import { isSendableText } from '../../naming/sendable-text.js';

/** What `write` and `toString` of a Buffer come to, without their looking for an encoding. */
interface Utf8Buffer {
  utf8Write(text: string, at: number): number;
  utf8Slice(start: number, end: number): string;
}

/** Copies a string as UTF-8. For long ones: see {@link writeShortUtf8}. Returns where it ends. */
function writeUtf8(bytes: Buffer, at: number, text: string): number {
  return at + (bytes as unknown as Utf8Buffer).utf8Write(text, at);
}

interface WellFormed {
  toWellFormed(): string;
}

/** As `writeUtf8`; -1 when there is half of a surrogate pair. */
export function writeLongUtf8(bytes: Buffer, at: number, text: string): number {
  return isSendableText(text) ? writeUtf8(bytes, at, text) : -1;
}

/** The text with U+FFFD in the place of each half of a surrogate pair. */
export function wellFormed(text: string): string {
  return (text as unknown as WellFormed).toWellFormed();
}

/** The text that lies there as UTF-8. */
export function readUtf8(bytes: Buffer, start: number, end: number): string {
  return (bytes as unknown as Utf8Buffer).utf8Slice(start, end);
}

/** As `writeUtf8`, for short strings: faster than a call into the runtime. -1 when there is half of a surrogate pair. */
export function writeShortUtf8(bytes: Uint8Array, at: number, text: string): number {
  const { length } = text;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x80) bytes[at++] = code;
    else if (code < 0x800) at = writeTwo(bytes, at, code);
    else if ((code & 0xf800) !== 0xd800) at = writeThree(bytes, at, code);
    else if (isPair(code, text.charCodeAt(i + 1))) at = writeFour(bytes, at, text.codePointAt(i++)!);
    else return -1;
  }
  return at;
}

/** The text that lies there when it is all ASCII. For short ones: longer ones are faster read by the runtime. */
export function readAscii(bytes: Uint8Array, start: number, end: number): string | undefined {
  let text = '';
  for (let at = start; at < end; at++) {
    const code = bytes[at]!;
    if (code >= 0x80) return undefined;
    text += String.fromCharCode(code);
  }
  return text;
}

/** Whether the bytes from `start` on are this text, character by character. */
export function isAscii(bytes: Uint8Array, start: number, text: string): boolean {
  const { length } = text;
  for (let i = 0; i < length; i++) if (text.charCodeAt(i) !== bytes[start + i]) return false;
  return true;
}

function isPair(high: number, low: number): boolean {
  return high < 0xdc00 && (low & 0xfc00) === 0xdc00;
}

function writeTwo(bytes: Uint8Array, at: number, code: number): number {
  bytes[at] = 0xc0 | (code >> 6);
  bytes[at + 1] = 0x80 | (code & 0x3f);
  return at + 2;
}

function writeThree(bytes: Uint8Array, at: number, code: number): number {
  bytes[at] = 0xe0 | (code >> 12);
  bytes[at + 1] = 0x80 | ((code >> 6) & 0x3f);
  bytes[at + 2] = 0x80 | (code & 0x3f);
  return at + 3;
}

function writeFour(bytes: Uint8Array, at: number, code: number): number {
  bytes[at] = 0xf0 | (code >> 18);
  bytes[at + 1] = 0x80 | ((code >> 12) & 0x3f);
  bytes[at + 2] = 0x80 | ((code >> 6) & 0x3f);
  bytes[at + 3] = 0x80 | (code & 0x3f);
  return at + 4;
}
