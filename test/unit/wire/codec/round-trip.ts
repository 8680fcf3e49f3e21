import { ValueReader } from '../../../../lib/wire/codec/value-reader.js';
import { ValueWriter } from '../../../../lib/wire/codec/value-writer.js';

export const writer = new ValueWriter();
export const reader = new ValueReader();

/** A value as it is written. */
export function write(value: unknown, maxBytes = 1e9): Buffer {
  writer.begin(3, maxBytes);
  try {
    writer.write(value);
  } catch (error) {
    writer.abandon();
    throw error;
  }
  return writer.bytes.subarray(writer.start + 3, writer.at);
}

/** Reads from the middle of other bytes, as from a stream, which are overwritten afterwards. */
export function roundTrip(value: unknown): unknown {
  const bytes = write(value);
  const around = Buffer.concat([Buffer.alloc(7, 0xc1), bytes, Buffer.alloc(9, 0xc1)]);
  const result = reader.read(around, 7, 7 + bytes.length);
  around.fill(0xee);
  return result;
}

/** Reads these bytes, from the beginning of others. */
export const decode = (...bytes: number[]) => reader.read(Buffer.from([...bytes, 1, 2, 3]), 0, bytes.length);
