import { PeerageError } from '../../errors/peerage-error.js';

/** The wait of those whose messages go to the operating system together. */
export class WriteReceipt {
  readonly promise: Promise<void>;
  private resolve!: () => void;
  private reject!: (error: PeerageError) => void;

  /** Where in the stream of messages the last of theirs ends. */
  at: number;

  /** @param from where the first of theirs ends */
  constructor(readonly from: number) {
    this.at = from;
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  settle(error?: PeerageError): void {
    if (error) this.reject(error);
    else this.resolve();
  }
}

/** The tickets of messages that are being written. */
export class InFlightWrites {
  private readonly batches = new Set<readonly WriteReceipt[]>();

  /** What the write calls back with. Undefined when nobody waits for it. */
  expect(tickets: readonly WriteReceipt[]): ((error?: Error | null) => void) | undefined {
    if (tickets.length === 0) return undefined;
    this.batches.add(tickets);
    return (error) => this.settle(tickets, error ? connectionLost(error) : undefined);
  }

  /** The connection is gone: what was not taken by now never will be. */
  fail(unwritten: readonly WriteReceipt[]): void {
    this.batches.add(unwritten);
    for (const tickets of this.batches) this.settle(tickets, connectionLost());
  }

  private settle(tickets: readonly WriteReceipt[], error: PeerageError | undefined): void {
    if (this.batches.delete(tickets)) for (const ticket of tickets) ticket.settle(error);
  }
}

export function connectionLost(cause?: Error): PeerageError {
  return new PeerageError(
    'CONNECTION_LOST',
    'The connection broke while the message was on its way: it may or may not have arrived, and is not sent again. Send it yourself if that does no harm.',
    cause && { cause },
  );
}
