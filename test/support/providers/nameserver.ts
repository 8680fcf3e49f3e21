import type { Socket } from 'node:dgram';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** What the server does with a question: addresses, an error code of DNS, or silence. */
export type Reply = readonly string[] | 'NODATA' | 'NXDOMAIN' | 'SERVFAIL' | 'REFUSED' | 'silence';

const RCODES = { NODATA: 0, SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 } as const;
const TYPES = { A: 1, AAAA: 28 } as const;

/** A name server on loopback for what a real one cannot be made to do: fail for one record type only. */
export class FakeNameserver {
  /** Replies for every name. */
  replies: { A: Reply; AAAA: Reply } = { A: 'NXDOMAIN', AAAA: 'NXDOMAIN' };
  /** Of every record, in seconds. */
  ttl = 0;
  /** When it was asked. */
  readonly questionsAtMs: number[] = [];

  private constructor(private readonly socket: Socket) {
    socket.on('message', (query, from) => {
      this.questionsAtMs.push(performance.now());
      const answer = this.answer(query);
      if (answer) socket.send(answer, from.port, from.address);
    });
  }

  static async start(port = 0): Promise<FakeNameserver> {
    const socket = createSocket('udp4');
    socket.bind(port, '127.0.0.1');
    await once(socket, 'listening');
    return new FakeNameserver(socket);
  }

  get address(): string {
    return `127.0.0.1:${this.socket.address().port}`;
  }

  stop(): void {
    this.socket.close();
  }

  private answer(query: Buffer): Buffer | undefined {
    let end = 12;
    while (query[end]) end += query[end]! + 1;
    const type = query.readUInt16BE(end + 1);
    const question = query.subarray(12, end + 5);
    const reply = type === TYPES.A ? this.replies.A : this.replies.AAAA;
    if (reply === 'silence') return undefined;
    const addresses = typeof reply === 'string' ? [] : reply;
    const rcode = typeof reply === 'string' ? RCODES[reply] : 0;
    return Buffer.concat([
      query.subarray(0, 2),
      words(0x8180 | rcode, 1, addresses.length, 0, 0),
      question,
      ...addresses.map((address) => record(type, this.ttl, address)),
    ]);
  }
}

function record(type: number, ttl: number, address: string): Buffer {
  const data =
    type === TYPES.A
      ? Buffer.from(address.split('.').map(Number))
      : words(...address.split(':').map((word) => parseInt(word, 16)));
  return Buffer.concat([words(0xc00c, type, 1, 0, ttl, data.length), data]);
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, index) => bytes.writeUInt16BE(value, index * 2));
  return bytes;
}
