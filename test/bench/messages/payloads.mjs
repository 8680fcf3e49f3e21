/** About 100 bytes as MessagePack, as an event of a shop might look. */
export const small = {
  sku: 'A-1000',
  price: 19.99,
  currency: 'EUR',
  at: 1763874000000,
  note: 'x'.repeat(36),
};

/** About 10 KiB. */
export const large = { ...small, note: 'x'.repeat(10 * 1024) };
