/** Something that is opened for the first who uses it, and closed after the last. */
export class SharedResource<T> {
  private users = 0;
  private opened: Promise<T> | undefined;

  constructor(
    private readonly open: () => Promise<T>,
    private readonly close: (value: T) => Promise<void>,
  ) {}

  async use<R>(work: (value: T) => Promise<R>): Promise<R> {
    this.users += 1;
    try {
      return await work(await this.value());
    } finally {
      this.users -= 1;
      if (this.users === 0) await this.end();
    }
  }

  private value(): Promise<T> {
    const opened = (this.opened ??= this.open());
    opened.catch(() => {
      if (this.opened === opened) this.opened = undefined;
    });
    return opened;
  }

  private async end(): Promise<void> {
    const { opened } = this;
    this.opened = undefined;
    await opened?.then(this.close).catch(() => {});
  }
}
