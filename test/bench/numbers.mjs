export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** A row of the table: the median, and the range. */
export function row(what, samples, { target, unit = 'ms' } = {}) {
  const shown = (number) => `${number < 10 ? number.toFixed(1) : Math.round(number)} ${unit}`;
  const value = `${shown(median(samples))} (${shown(Math.min(...samples))} to ${shown(Math.max(...samples))})`;
  return { what, value, target, runs: samples.length, median: median(samples), samples };
}
