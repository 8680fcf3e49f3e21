/** So many numbers of a stream are kept, to tell a message that comes again from one that comes late. */
const KEPT_NUMBERS = 64;
/** Of more senders the one that was heard longest ago is forgotten: it was restarted since. */
const MAX_SENDERS = 16;

interface Stream {
  last: number;
  readonly recent: number[];
}

/**
 * Looks at messages as they are handled. A sender numbers those of a topic; for one receiver numbers may be left
 * out, and never repeat or fall back.
 */
export class OrderWatch {
  private readonly senders = new Map<string, Map<string, Stream>>();

  constructor(private readonly fault: (text: string) => void) {}

  /** @param sender its boot id */
  handled(sender: string, topic: string, number: number): void {
    const stream = this.stream(sender, topic);
    if (number <= stream.last) {
      const isAgain = stream.recent.includes(number);
      const what = isAgain ? 'was handled twice' : `was handled after ${stream.last}`;
      this.fault(`message ${number} of ${sender} on ${topic} ${what}`);
    }
    stream.last = Math.max(stream.last, number);
    stream.recent.push(number);
    if (stream.recent.length > KEPT_NUMBERS) stream.recent.shift();
  }

  private stream(sender: string, topic: string): Stream {
    const topics = this.senders.get(sender) ?? new Map<string, Stream>();
    this.senders.delete(sender);
    this.senders.set(sender, topics);
    if (this.senders.size > MAX_SENDERS) this.senders.delete(this.senders.keys().next().value!);
    let stream = topics.get(topic);
    if (!stream) topics.set(topic, (stream = { last: 0, recent: [] }));
    return stream;
  }
}
