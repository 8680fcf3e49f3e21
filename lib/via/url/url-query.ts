/** The parameters that are there more than once: which one holds is anybody's guess. */
export function repeatedIn(params: URLSearchParams): string[] {
  const keys = [...params.keys()];
  return [...new Set(keys.filter((key, i) => keys.indexOf(key) !== i))];
}

/** The parameters after `?` of a provider URL; what nobody read is a mistake, and so is what is there twice. */
export class UrlQuery {
  private readonly params: URLSearchParams;
  private readonly known: string[] = [];

  constructor(text: string) {
    this.params = new URLSearchParams(text);
  }

  text(key: string): string | undefined {
    this.known.push(key);
    return this.params.get(key) ?? undefined;
  }

  /** @throws Error when it is there and no whole number. */
  number(key: string): number | undefined {
    const text = this.text(key);
    if (text === undefined) return undefined;
    if (!/^\d{1,9}$/.test(text)) throw new Error(`${key}=${text} is not a number`);
    return Number(text);
  }

  /** `?key` and `?key=true` switch it on. */
  flag(key: string): boolean | undefined {
    const text = this.text(key);
    if (text === undefined) return undefined;
    if (['', '1', 'true'].includes(text)) return true;
    if (['0', 'false'].includes(text)) return false;
    throw new Error(`${key}=${text} is neither true nor false`);
  }

  /** Separated by semicolons, since commas separate providers. */
  list(key: string): string[] | undefined {
    return this.text(key)
      ?.split(';')
      .map((item) => item.trim());
  }

  /** Those of these parameters that are there, as they are. */
  take(keys: readonly string[]): string {
    this.known.push(...keys);
    return new URLSearchParams([...this.params].filter(([key]) => keys.includes(key))).toString();
  }

  /** The parameters that were not asked for, which somebody else understands. */
  takeOthers(): string {
    const others = [...this.params].filter(([key]) => !this.known.includes(key));
    this.known.push(...others.map(([key]) => key));
    return new URLSearchParams(others).toString();
  }

  /** @throws Error that names the parameters which nobody asked for, or which are there twice. */
  expectNoMore(): void {
    const [repeated] = repeatedIn(this.params);
    if (repeated !== undefined) throw new Error(`it has the parameter ${repeated} more than once`);
    const unknown = [...this.params.keys()].filter((key) => !this.known.includes(key));
    if (unknown.length === 0) return;
    const choice = this.known.length === 0 ? 'it takes none' : `it takes ${this.known.join(', ')}`;
    throw new Error(`it has no parameter ${unknown.join(', ')}; ${choice}`);
  }
}
