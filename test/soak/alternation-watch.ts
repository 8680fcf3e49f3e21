/** For each boot id, up and down alternate. */
export class AlternationWatch {
  private readonly isUp = new Set<string>();

  constructor(private readonly fault: (text: string) => void) {}

  up(bootId: string): void {
    if (this.isUp.has(bootId)) this.fault(`peer.up of ${bootId} twice`);
    this.isUp.add(bootId);
  }

  down(bootId: string): void {
    if (!this.isUp.delete(bootId)) this.fault(`peer.down of ${bootId}, which was not up`);
  }
}
