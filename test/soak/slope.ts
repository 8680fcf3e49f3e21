export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Slope {
  /** By least squares. */
  readonly slope: number;
  /** Its standard error. */
  readonly error: number;
}

/** The straight line through some points, at least three. */
export function slopeOf(points: readonly Point[]): Slope {
  const meanX = mean(points.map(({ x }) => x));
  const meanY = mean(points.map(({ y }) => y));
  const sumOf = (of: (point: Point) => number): number => points.reduce((sum, point) => sum + of(point), 0);
  const spread = sumOf(({ x }) => (x - meanX) ** 2);
  const slope = sumOf(({ x, y }) => (x - meanX) * (y - meanY)) / spread;
  const rest = sumOf(({ x, y }) => (y - meanY - slope * (x - meanX)) ** 2);
  return { slope, error: Math.sqrt(rest / Math.max(1, points.length - 2) / spread) };
}

/** Whether the slope is beyond `limit`, and not only by noise. */
export function isBeyond({ slope, error }: Slope, limit: number): boolean {
  return slope - 2 * error > limit;
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}
