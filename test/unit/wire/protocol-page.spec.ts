import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runInThisContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { viewPart } from '../../../lib/membership/view-hash.js';
import { encodeProbe, isGenuine, type Probe, readProbe } from '../../../lib/mesh/probes/probe-codec.js';
import { MessageStream } from '../../../lib/mesh/transport/message-stream.js';
import { preSharedKey } from '../../../lib/mesh/transport/tcp/psk.js';
import {
  announcementKeys,
  decodeAnnouncement,
  encodeAnnouncement,
} from '../../../lib/via/udp/announcement.js';
import { readControlFrame } from '../../../lib/wire/control-frames.js';
import { FrameReader } from '../../../lib/wire/frame-reader.js';
import { encodeFrame, HEADER_BYTES } from '../../../lib/wire/frame-writer.js';
import { FrameKind } from '../../../lib/wire/frames.js';
import { assertMessage, isMessage } from '../../../lib/wire/message-frames.js';
import { blocksOf, readPage } from '../../support/pages/pages.js';

const MAX_BYTES = 100_000;

/** Pieces of the example of a message in parts. */
const PIECE_BYTES = 8;

const lib = fileURLToPath(new URL('../../../lib/', import.meta.url));

const PAGE = 'docs/protocol.md';
const page = readPage(PAGE);

interface Example {
  readonly what: string;
  readonly value: any;
  readonly bytes: Buffer;
}

/** What the lines with `#` say, and the bytes below them: what stands behind two spaces is for people. */
function exampleOf(block: string): Example {
  const lines = block.split('\n');
  const said = lines.filter((line) => line.startsWith('#')).map((line) => line.slice(1));
  const [, what = '', first = ''] = /^ (\w+): (.*)$/.exec(said[0]!) ?? [];
  const end = first.endsWith('{') ? said.findIndex((line) => line === ' }') + 1 : 1;
  const hex = lines.filter((line) => !line.startsWith('#')).map((line) => line.split('  ')[0]);
  return {
    what,
    value: evaluated([first, ...said.slice(1, end)].join('\n')),
    bytes: Buffer.from(hex.join('').replaceAll(' ', ''), 'hex'),
  };
}

function evaluated(expression: string): unknown {
  return runInThisContext(`(${expression})`);
}

interface ReadFrame {
  readonly kind: number;
  readonly body: unknown;
}

function framesIn(bytes: Buffer): ReadFrame[] {
  const frames: ReadFrame[] = [];
  const reader = new FrameReader(MAX_BYTES, {
    frame: (kind, body) => void frames.push({ kind, body }),
    failed: (error) => expect.unreachable(error.message),
  });
  reader.push(bytes);
  return frames;
}

const examples = blocksOf(PAGE, 'hex').map(exampleOf);
const frames = examples.filter(({ what }) => what in FrameKind);
const only = (what: string) => examples.filter((example) => example.what === what);

describe('docs/protocol.md', () => {
  it('has an example of every kind of frame', () => {
    const parts = ['part', 'lastPart'];
    const shown = new Set(frames.map(({ what }) => what));
    expect(Object.keys(FrameKind).filter((kind) => !shown.has(kind) && !parts.includes(kind))).toEqual([]);
    expect(examples.every(({ bytes }) => bytes.length > 4)).toBe(true);
  });

  it('numbers the kinds of frames as they are', () => {
    const rows = [...page.matchAll(/^\| (\d+) +\| `(\w+)`/gm)].map(([, kind, name]) => [name, Number(kind)]);
    expect(Object.fromEntries(rows)).toEqual(FrameKind);
  });

  it('tells of every field of control frames', () => {
    const source = readFileSync(join(lib, 'wire/control-frames.ts'), 'utf8');
    const fields = [...source.matchAll(/fields\['(\w+)'\]/g)].map(([, name]) => name!);
    expect(fields.length).toBeGreaterThan(10);
    expect(fields.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  it('tells of every topic of the library, and its spaces of presence', () => {
    const names = readdirSync(lib, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .flatMap((file) => [...readFileSync(join(lib, file), 'utf8').matchAll(/'(\${1,2}[a-z][\w.]*)'/g)])
      .map(([, name]) => name!);
    expect(names).toContain('$$runs');
    expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  it.each(frames)('shows the frame $what as it is written, and as it is read', ({ what, value, bytes }) => {
    const kind = FrameKind[what as keyof typeof FrameKind];
    expect(encodeFrame(kind, value, MAX_BYTES).toString('hex')).toBe(bytes.toString('hex'));
    expect(framesIn(bytes)).toEqual([{ kind, body: value }]);
    if (isMessage(kind)) assertMessage(kind, value);
    else if (kind !== FrameKind.window) expect(readControlFrame(kind, value).kind).toBe(what);
  });

  it('shows values as they are written, and as they are read', () => {
    const lines = blocksOf(PAGE, 'values').flatMap((block) => block.trim().split('\n'));
    expect(lines.length).toBeGreaterThan(20);
    for (const line of lines) {
      const [, expression = '', hex = ''] = /^(.*?) +\/\/ ([0-9a-f ]+)$/.exec(line) ?? [];
      const value = evaluated(expression);
      const frame = encodeFrame(FrameKind.event, value, MAX_BYTES);
      expect(frame.subarray(HEADER_BYTES).toString('hex'), line).toBe(hex.replaceAll(' ', ''));
      const [read] = framesIn(frame);
      expect(read?.body, line).toEqual(value);
    }
  });

  it('shows the parts of a message as they are written, and as they are read', () => {
    const [{ value, bytes }] = only('parts') as [Example];
    const stream = new MessageStream(PIECE_BYTES + 1);
    stream.push(FrameKind.event, value, ['topic', 'data'], value[0], MAX_BYTES, MAX_BYTES);
    const written: Buffer[] = [];
    while (stream.hasLong) stream.takePart(written, [], Infinity);
    expect(Buffer.concat(written).toString('hex')).toBe(bytes.toString('hex'));
    expect(framesIn(bytes)).toEqual([{ kind: FrameKind.event, body: value }]);
  });

  it('shows the keys that are made of a secret', () => {
    const [block = ''] = blocksOf(PAGE, 'ini');
    const said = Object.fromEntries(
      [...block.matchAll(/^([\w ]+) = (.*)$/gm)].map(([, key, text]) => [key, text]),
    );
    const { secret = '', cluster = '' } = said;
    const { identity, key } = preSharedKey(secret, cluster);
    const [announcementKey] = announcementKeys({ kind: 'secret', secrets: [secret] }, cluster);
    expect(said).toEqual({
      secret,
      cluster,
      identity,
      psk: key.toString('hex'),
      'announcement key': announcementKey?.toString('hex'),
    });
  });

  it('shows a probe', () => {
    const [{ value, bytes }] = only('datagram') as [Example];
    const { key, ...probe } = value as Probe & { key: Buffer };
    expect(encodeProbe(probe, key).toString('hex')).toBe(bytes.toString('hex'));
    expect(readProbe(bytes)).toEqual(probe);
    expect(isGenuine(bytes, key)).toBe(true);
  });

  it('shows announcements', () => {
    const announcements = only('announcement');
    expect(announcements).toHaveLength(2);
    for (const { value, bytes } of announcements) {
      const { name, secret, cluster } = value as Record<string, string>;
      const keys =
        secret === undefined ? [] : announcementKeys({ kind: 'secret', secrets: [secret] }, cluster!);
      expect(encodeAnnouncement(name!, keys[0]).toString('hex')).toBe(bytes.toString('hex'));
      expect(decodeAnnouncement(bytes, keys)).toBe(name);
    }
  });

  it('says how a digest is counted', () => {
    const [{ value }] = only('digest') as [Example];
    const nodes = /of the nodes (\w+) and (\w+)/.exec(page)!.slice(1);
    const hash = nodes.reduce((sum, bootId) => (sum + viewPart(bootId)) >>> 0, 0);
    expect(value).toEqual({ hash });
  });
});
