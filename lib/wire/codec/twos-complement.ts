/** A big integer, big-endian, in as few bytes as it takes. */
export function twosComplement(value: bigint): Uint8Array {
  const digits = (value < 0n ? ~value : value).toString(16);
  // One bit more than the digits have, for the sign.
  const size = Math.floor(digits.length / 2) + 1;
  const bytes = Buffer.from(digits.padStart(2 * size, '0'), 'hex');
  if (value < 0n) for (let i = 0; i < size; i++) bytes[i]! ^= 0xff;
  return bytes;
}
