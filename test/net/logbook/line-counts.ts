/** How many lines of which kind were logged: of one kind are those that differ in numbers and names only. */
export class LineCounts {
  private readonly kinds = new Map<string, { count: number; example: string }>();

  add(line: string): void {
    const text = line.replace(/^\[Nest\] \d+ +- [^,]*,? [\d:]+(?: [AP]M)? +/, '');
    const kind = text.replaceAll(/\b[0-9a-f]{8}\b|\d+(\.\d+)?/g, '#');
    const known = this.kinds.get(kind);
    if (known) known.count += 1;
    else this.kinds.set(kind, { count: 1, example: text });
  }

  toString(): string {
    const all = [...this.kinds.values()].toSorted((a, b) => b.count - a.count);
    return all.map(({ count, example }) => `${String(count).padStart(6)}  ${example}\n`).join('');
  }
}
