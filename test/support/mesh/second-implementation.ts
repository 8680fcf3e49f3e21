import { createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect, type TLSSocket } from 'node:tls';

/*
 * A node that was written from docs/protocol.md alone. It imports nothing of the library, so that what the page leaves
 * out is missed here.
 */

export const KIND = {
  hello: 1,
  welcome: 2,
  refuse: 3,
  beat: 4,
  leave: 5,
  peers: 6,
  digest: 7,
  ask: 8,
  answer: 9,
  event: 11,
  request: 12,
  reply: 13,
  error: 14,
  part: 15,
  lastPart: 16,
  leaving: 17,
  window: 18,
};
const WINDOW_BYTES = 1024 * 1024;
const LIMITS = { frameBytes: 16_384, messageBytes: 1024 * 1024 };

export interface Membership {
  readonly port: number;
  readonly secret: string;
  readonly cluster: string;
}

type Fields = Record<string, any>;

/** Values: numbers, texts, booleans, null, undefined, bytes, lists and objects are enough for a member. */
function encode(value: unknown): Buffer {
  if (value === null) return Buffer.of(0xc0);
  if (value === undefined) return Buffer.of(0xd4, 0, 0);
  if (typeof value === 'boolean') return Buffer.of(value ? 0xc3 : 0xc2);
  if (typeof value === 'number') return encodeNumber(value);
  if (typeof value === 'string') return encodeText(value);
  if (Buffer.isBuffer(value)) return Buffer.concat([sized(0xc4, value.length), value]);
  if (Array.isArray(value)) return Buffer.concat([counted(0x90, 0xdc, value.length), ...value.map(encode)]);
  const entries = Object.entries(value);
  const fields = entries.flatMap(([key, field]) => [encodeText(key), encode(field)]);
  return Buffer.concat([counted(0x80, 0xde, entries.length), ...fields]);
}

function encodeNumber(value: number): Buffer {
  if (Number.isInteger(value) && value >= 0 && value < 0x80) return Buffer.of(value);
  const bytes = Buffer.alloc(9);
  bytes[0] = 0xcb;
  bytes.writeDoubleBE(value, 1);
  return bytes;
}

function encodeText(text: string): Buffer {
  const bytes = Buffer.from(text);
  const header = bytes.length < 32 ? Buffer.of(0xa0 | bytes.length) : sized(0xd9, bytes.length);
  return Buffer.concat([header, bytes]);
}

/** A tag of three, by how many bytes the size takes. */
function sized(tag: number, size: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes[0] = tag + 2;
  bytes.writeUInt32BE(size, 1);
  return bytes;
}

function counted(small: number, tag16: number, count: number): Buffer {
  return count < 16 ? Buffer.of(small | count) : Buffer.of(tag16, count >> 8, count & 0xff);
}

class Decoder {
  private at = 0;

  constructor(private readonly bytes: Buffer) {}

  value(): any {
    const tag = this.bytes[this.at++]!;
    if (tag < 0x80) return tag;
    if (tag < 0x90) return this.fields(tag & 15);
    if (tag < 0xa0) return this.list(tag & 15);
    if (tag < 0xc0) return this.take(tag & 31).toString();
    if (tag >= 0xe0) return tag - 0x100;
    switch (tag) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
        return this.take(this.uint(1));
      case 0xcb:
        return this.take(8).readDoubleBE();
      case 0xcc:
        return this.uint(1);
      case 0xcd:
        return this.uint(2);
      case 0xce:
        return this.uint(4);
      case 0xd4:
        return void this.take(2);
      case 0xd9:
        return this.take(this.uint(1)).toString();
      case 0xda:
        return this.take(this.uint(2)).toString();
      case 0xdb:
        return this.take(this.uint(4)).toString();
      case 0xdc:
        return this.list(this.uint(2));
    }
    throw new Error(`a tag that this node does not read: ${tag.toString(16)}`);
  }

  private fields(count: number): Fields {
    return Object.fromEntries(Array.from({ length: count }, () => [this.value(), this.value()]));
  }

  private list(count: number): unknown[] {
    return Array.from({ length: count }, () => this.value());
  }

  private uint(size: number): number {
    return this.take(size).readUIntBE(0, size);
  }

  private take(size: number): Buffer {
    this.at += size;
    return this.bytes.subarray(this.at - size, this.at);
  }
}

function keyOf(secret: string, info: string, bytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', info, bytes));
}

/** What it heard besides messages that it has handlers for. */
export class SecondNode {
  readonly bootId = randomBytes(16).toString('hex');
  readonly heard: { kind: number; body: any }[] = [];
  readonly handlers = new Map<string, (data: any) => unknown>();
  welcome: Fields = {};
  /** Bytes of messages that the other side takes. */
  credit = 0;
  probesAnswered = 0;
  private readonly probeKey = randomBytes(32);
  private readonly waiting = new Map<number, (value: any) => void>();
  private rest = Buffer.alloc(0);
  private message = Buffer.alloc(0);
  private lastBeat: { sentAt: number; atMs: number } | undefined;
  private lastId = 0;
  private beats: NodeJS.Timeout | undefined;
  private socket!: TLSSocket;
  private udp!: UdpSocket;
  private port = 0;
  private isClosed = false;

  /** Joins as a dialer. */
  async join({ port, secret, cluster }: Membership): Promise<void> {
    this.udp = createSocket('udp4');
    this.udp.on('message', (bytes, from) => this.onDatagram(bytes, from.port));
    await new Promise<void>((resolve) => this.udp.bind(0, '127.0.0.1', resolve));
    this.port = this.udp.address().port;
    const id = (info: string): string => keyOf(secret, `peerage1 ${info}`, 8).toString('base64url');
    const identity = `peerage1.${id(`label id ${cluster}`)}.${id('secret id')}`;
    this.socket = connect({
      host: '127.0.0.1',
      port,
      minVersion: 'TLSv1.3',
      ciphers: 'TLS_AES_128_GCM_SHA256',
      ca: [],
      pskCallback: () => ({ identity, psk: keyOf(secret, `peerage1 psk ${cluster}`, 32) }),
      checkServerIdentity: () => undefined,
    });
    const welcomed = new Promise<void>((resolve, reject) => {
      this.handlers.set('welcomed', () => resolve());
      this.socket.once('error', reject).once('close', () => reject(new Error('it closed')));
    });
    this.socket.once('secureConnect', () =>
      this.say(KIND.hello, {
        versions: { min: 1, max: 1 },
        cluster,
        connection: randomBytes(8).toString('hex'),
        node: { name: `other@127.0.0.1:${this.port}`, bootId: this.bootId, meta: { language: 'other' } },
        probeKey: this.probeKey,
        answersProbes: true,
        peers: 0,
        limits: LIMITS,
      }),
    );
    this.socket.on('data', (chunk) => this.onData(chunk));
    await welcomed;
  }

  send(topic: string, data: unknown): void {
    this.post(KIND.event, [topic, data]);
  }

  request(topic: string, data: unknown): Promise<any> {
    const id = (this.lastId += 1);
    this.post(KIND.request, [id, topic, data]);
    return new Promise((resolve) => this.waiting.set(id, resolve));
  }

  /** Resolves with what the main loop of the other node is behind, when its answer is genuine. */
  probe(port: number): Promise<number> {
    const { node, probeKey } = this.welcome;
    const bytes = datagram(1, this.bootId, node.bootId, 1, randomBytes(8), 0, probeKey);
    return new Promise((resolve) => {
      this.udp.once('message', (answer) => {
        const isGenuine = answer.subarray(55).equals(macOf(answer, probeKey)) && answer[4] === 2;
        if (isGenuine && answer.subarray(37, 51).equals(bytes.subarray(37, 51)))
          resolve(answer.readUInt32BE(51));
      });
      this.udp.send(bytes, port, '127.0.0.1');
    });
  }

  leave(): void {
    this.say(KIND.leave, { reason: 'left' });
    this.close();
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    clearInterval(this.beats);
    this.socket.end();
    this.udp.close();
  }

  private say(kind: number, body: unknown): void {
    this.write(kind, encode(body));
  }

  private write(kind: number, body: Buffer): void {
    const header = Buffer.alloc(5);
    header.writeUInt32BE(1 + body.length);
    header[4] = kind;
    this.socket.write(Buffer.concat([header, body]));
  }

  /** A message: in parts when it is long. */
  private post(kind: number, body: unknown): void {
    const whole = Buffer.concat([Buffer.of(kind), encode(body)]);
    if (this.credit <= 0) throw new Error('the other side has no room');
    this.credit -= 4 + whole.length;
    const size = Math.min(65_536, this.welcome['limits'].frameBytes) - 1;
    if (whole.length <= size) return this.write(kind, whole.subarray(1));
    for (let at = 0; at < whole.length; at += size)
      this.write(at + size < whole.length ? KIND.part : KIND.lastPart, whole.subarray(at, at + size));
  }

  private onData(chunk: Buffer): void {
    this.rest = Buffer.concat([this.rest, chunk]);
    while (this.rest.length >= 4) {
      const end = 4 + this.rest.readUInt32BE();
      if (this.rest.length < end) return;
      const [kind, body] = [this.rest[4]!, this.rest.subarray(5, end)];
      this.rest = this.rest.subarray(end);
      this.onFrame(kind, body);
    }
  }

  private onFrame(kind: number, bytes: Buffer): void {
    if (kind === KIND.part || kind === KIND.lastPart) {
      this.message = Buffer.concat([this.message, bytes]);
      if (kind === KIND.part) return;
      const whole = this.message;
      this.message = Buffer.alloc(0);
      return this.onFrame(whole[0]!, whole.subarray(1));
    }
    const body = bytes.length === 0 ? undefined : new Decoder(bytes).value();
    this.heard.push({ kind, body });
    if (kind === KIND.event || kind === KIND.request) this.say(KIND.window, 5 + bytes.length);
    this.take(kind, body);
  }

  private take(kind: number, body: any): void {
    switch (kind) {
      case KIND.welcome:
        this.welcome = body;
        this.beat();
        this.say(KIND.window, WINDOW_BYTES);
        return void this.handlers.get('welcomed')!(undefined);
      case KIND.beat:
        return this.onBeat(body);
      case KIND.window:
        return void (this.credit += body);
      case KIND.leaving:
        return body.heard ? undefined : this.say(KIND.leaving, { heard: true });
      case KIND.ask:
        return this.say(KIND.answer, { about: body.about });
      case KIND.digest:
        return this.say(KIND.peers, {
          peers: [{ name: this.welcome['node'].name, bootId: this.welcome['node'].bootId }],
        });
      case KIND.event:
        return void this.handlers.get(body[0])?.(body[1]);
      case KIND.request:
        return this.answer(body[0], body[1], body[2]);
      case KIND.reply:
      case KIND.error:
        return this.waiting.get(body[0])?.(body[1]);
    }
  }

  private onBeat({ sentAt, now, everyMs }: Fields): void {
    this.lastBeat = { sentAt, atMs: performance.now() };
    if (now === true) this.beat();
    if (everyMs === undefined) return;
    clearInterval(this.beats);
    if (everyMs > 0) this.beats = setInterval(() => this.beat(), everyMs);
  }

  private beat(): void {
    const { lastBeat } = this;
    const nowMs = performance.now();
    this.say(KIND.beat, {
      sentAt: nowMs,
      ...(lastBeat && { echo: lastBeat.sentAt, heldMs: nowMs - lastBeat.atMs }),
    });
    this.lastBeat = undefined;
  }

  private answer(id: number, topic: string, data: unknown): void {
    const handler = this.handlers.get(topic);
    if (handler) this.say(KIND.reply, [id, handler(data)]);
    else this.say(KIND.error, [id, { code: 'NO_HANDLER', message: `Nobody handles ${topic}.` }]);
  }

  private onDatagram(bytes: Buffer, port: number): void {
    const isProbe = bytes.length === 71 && bytes.toString('latin1', 0, 4) === 'PGP2' && bytes[4] === 1;
    if (!isProbe || bytes.toString('hex', 21, 37) !== this.bootId) return;
    if (!bytes.subarray(55).equals(macOf(bytes, this.probeKey))) return;
    const [from, count, nonce] = [
      bytes.toString('hex', 5, 21),
      bytes.readUIntBE(37, 6),
      bytes.subarray(43, 51),
    ];
    this.probesAnswered += 1;
    this.udp.send(datagram(2, this.bootId, from, count, nonce, 0, this.probeKey), port, '127.0.0.1');
  }
}

function macOf(bytes: Buffer, key: Buffer): Buffer {
  return createHmac('sha256', key).update(bytes.subarray(0, 55)).digest().subarray(0, 16);
}

function datagram(
  kind: number,
  from: string,
  to: string,
  count: number,
  nonce: Buffer,
  ms: number,
  key: Buffer,
): Buffer {
  const bytes = Buffer.alloc(71);
  bytes.write('PGP2', 'latin1');
  bytes[4] = kind;
  bytes.write(from, 5, 'hex');
  bytes.write(to, 21, 'hex');
  bytes.writeUIntBE(count, 37, 6);
  nonce.copy(bytes, 43);
  bytes.writeUInt32BE(ms, 51);
  macOf(bytes, key).copy(bytes, 55);
  return bytes;
}
