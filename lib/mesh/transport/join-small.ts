/** Pieces from this size on are written as they are; smaller neighbours are copied into one buffer. */
const LARGE_BYTES = 10 * 1024;

/** As few buffers as make sense, for one write: a call for each small piece costs more than copying it. */
export function coalesce(pieces: readonly Buffer[]): Buffer[] {
  if (pieces.length < 2) return [...pieces];
  const joined: Buffer[] = [];
  let small: Buffer[] = [];
  for (const piece of pieces) {
    if (piece.length < LARGE_BYTES) {
      small.push(piece);
      continue;
    }
    if (small.length > 0) joined.push(join(small));
    small = [];
    joined.push(piece);
  }
  if (small.length > 0) joined.push(join(small));
  return joined;
}

function join(pieces: readonly Buffer[]): Buffer {
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
}
