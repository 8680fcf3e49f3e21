import { PeerageError } from '../errors/peerage-error.js';
import {
  commonVersion,
  type ControlFrame,
  FrameKind,
  MIN_FRAME_BYTES,
  type PeerList,
  versionMismatch,
  type Welcome,
  type WireLimits,
  type Introduction,
} from './frames.js';
import { MAX_META_BYTES, type NodeInfo } from '../naming/node-info.js';
import { formatNodeName, parseNodeName } from '../naming/node-name.js';

/** More peers than this in one list are a fault; `limits.peers` is far below it. */
const MAX_LISTED_PEERS = 10_000;

/** Text fields of strangers end up in logs and messages. */
const MAX_TEXT = 1_024;

/** Meta of the options is nested no deeper. */
const MAX_META_DEPTH = 33;

export const PROBE_KEY_BYTES = 32;

const BOOT_ID = /^[0-9a-f]{32}$/;

type Fields = Readonly<Record<string, unknown>>;

/**
 * Checks the body of a control frame that came over the wire.
 *
 * @throws PeerageError `MALFORMED_FRAME`, saying which field is wrong; `VERSION_MISMATCH` when that is because
 * the sender speaks other versions than we do.
 */
export function readControlFrame(kind: number, body: unknown): ControlFrame {
  const fields = record(body, 'body');
  try {
    return readFields(kind, fields);
  } catch (error) {
    throw versionFault(kind, fields) ?? error;
  }
}

/** Another version may have other fields: it is told by its number, which every version sends. */
function versionFault(kind: number, fields: Fields): PeerageError | undefined {
  if (kind !== FrameKind.hello && kind !== FrameKind.welcome) return undefined;
  const versions = readVersions(fields['versions']);
  if (commonVersion(versions) !== undefined) return undefined;
  return new PeerageError('VERSION_MISMATCH', versionMismatch(versions));
}

function readFields(kind: number, fields: Fields): ControlFrame {
  switch (kind) {
    case FrameKind.hello:
      return {
        kind: 'hello',
        body: { ...readIntroduction(fields), connection: text(fields['connection'], 'connection') },
      };
    case FrameKind.welcome:
      return { kind: 'welcome', body: readWelcome(fields) };
    case FrameKind.refuse:
      // A code of a newer release is only shown to people.
      return {
        kind: 'refuse',
        body: { code: text(fields['code'], 'code') as 'SELF', message: text(fields['message'], 'message') },
      };
    case FrameKind.beat:
      return {
        kind: 'beat',
        body: {
          sentAt: number(fields['sentAt'], 'sentAt'),
          ...(fields['echo'] !== undefined && { echo: number(fields['echo'], 'echo') }),
          ...(fields['heldMs'] !== undefined && { heldMs: duration(fields['heldMs'], 'heldMs') }),
          ...(fields['now'] === true && { now: true }),
          ...(fields['everyMs'] !== undefined && { everyMs: duration(fields['everyMs'], 'everyMs') }),
          ...(fields['silentMs'] !== undefined && { silentMs: duration(fields['silentMs'], 'silentMs') }),
          ...(fields['unreached'] !== undefined && { unreached: text(fields['unreached'], 'unreached') }),
          ...(typeof fields['answersProbes'] === 'boolean' && { answersProbes: fields['answersProbes'] }),
        },
      };
    case FrameKind.leaving:
      return { kind: 'leaving', body: fields['heard'] === true ? { heard: true } : {} };
    case FrameKind.leave:
      return {
        kind: 'leave',
        body: { reason: fields['reason'] === 'disconnected' ? 'disconnected' : 'left' },
      };
    case FrameKind.peers:
      return {
        kind: 'peers',
        body: { peers: readPeers(fields['peers']), ...(fields['want'] === true && { want: true }) },
      };
    case FrameKind.digest:
      return { kind: 'digest', body: { hash: number(fields['hash'], 'hash') } };
    case FrameKind.ask:
      return { kind: 'ask', body: { about: readBootId(fields['about']) } };
    case FrameKind.answer:
      return {
        kind: 'answer',
        body: {
          about: readBootId(fields['about']),
          ...(fields['silentMs'] !== undefined && { silentMs: duration(fields['silentMs'], 'silentMs') }),
          ...(fields['suspects'] === true && { suspects: true }),
        },
      };
    case FrameKind.meta:
      return {
        kind: 'meta',
        body: {
          meta: readMeta(fields['meta']),
          ...(fields['name'] !== undefined && { node: readName(fields['name']) }),
        },
      };
    default:
      throw malformed(`there is no frame of kind ${kind}`);
  }
}

/** A node as it goes over the wire: its host and port are in its name. */
function nodeToWire({ name, bootId, meta }: NodeInfo): Fields {
  return { name, bootId, meta };
}

/** The body of a control frame as it goes over the wire. */
export function controlToWire(frame: ControlFrame): unknown {
  if (frame.kind === 'meta') {
    const { meta, node } = frame.body;
    return node === undefined ? { meta } : { meta, name: node.name };
  }
  const { body } = frame;
  return 'node' in body ? { ...body, node: nodeToWire(body.node) } : body;
}

function readWelcome(fields: Fields): Welcome {
  return {
    ...readIntroduction(fields),
    version: number(fields['version'], 'version'),
    ...(fields['current'] !== undefined && { current: text(fields['current'], 'current') }),
  };
}

function readIntroduction(fields: Fields): Introduction {
  return {
    versions: readVersions(fields['versions']),
    cluster: text(fields['cluster'], 'cluster'),
    node: readNode(fields['node']),
    probeKey: readKey(fields['probeKey']),
    // Who does not say so is of a release in which all do.
    answersProbes: fields['answersProbes'] !== false,
    peers: number(fields['peers'], 'peers'),
    ...(fields['blank'] === true && { blank: true }),
    limits: readLimits(fields['limits']),
  };
}

function readVersions(value: unknown): { min: number; max: number } {
  const { min, max } = record(value, 'versions');
  const versions = { min: number(min, 'versions.min'), max: number(max, 'versions.max') };
  if (versions.min > versions.max) throw malformed('versions are no range');
  return versions;
}

function readLimits(value: unknown): WireLimits {
  const { frameBytes, messageBytes } = record(value, 'limits');
  return {
    frameBytes: limit(frameBytes, 'limits.frameBytes'),
    messageBytes: limit(messageBytes, 'limits.messageBytes'),
  };
}

function limit(value: unknown, field: string): number {
  const bytes = number(value, field);
  if (bytes < MIN_FRAME_BYTES) throw malformed(`${field} is below ${MIN_FRAME_BYTES}`);
  return bytes;
}

function readNode(value: unknown): NodeInfo {
  const fields = record(value, 'node');
  const name = readName(fields['name']);
  return { ...name, bootId: readBootId(fields['bootId']), meta: readMeta(fields['meta']) };
}

function readPeers(value: unknown): PeerList['peers'] {
  if (!Array.isArray(value) || value.length > MAX_LISTED_PEERS) throw malformed('peers is no list');
  return value.map((entry) => {
    const fields = record(entry, 'peers[]');
    return { name: readName(fields['name']).name, bootId: readBootId(fields['bootId']) };
  });
}

function readName(value: unknown): Pick<NodeInfo, 'name' | 'host' | 'port'> {
  try {
    const parsed = parseNodeName(value as string);
    return { name: formatNodeName(parsed), host: parsed.host, port: parsed.port };
  } catch (error) {
    throw malformed('a node name is invalid', error);
  }
}

function readBootId(value: unknown): string {
  if (typeof value !== 'string' || !BOOT_ID.test(value)) throw malformed('a boot id is not 32 hex digits');
  return value;
}

/** Plain data, as our own is: it is compared, kept and shown. */
function readMeta(value: unknown): Fields {
  const meta = record(value, 'meta');
  if (!isPlain(meta, 0)) throw malformed('meta is no plain data');
  if (Buffer.byteLength(JSON.stringify(meta)) > MAX_META_BYTES)
    throw malformed(`meta takes more than ${MAX_META_BYTES} bytes`);
  return meta;
}

function isPlain(value: unknown, depth: number): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || depth > MAX_META_DEPTH) return false;
  const isList = Array.isArray(value);
  if (!isList && Object.getPrototypeOf(value) !== Object.prototype) return false;
  return Object.values(value).every((item) => isPlain(item, depth + 1));
}

function readKey(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array) || value.length !== PROBE_KEY_BYTES)
    throw malformed('a probe key is not 32 bytes');
  return value;
}

function record(value: unknown, field: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw malformed(`${field} is no map`);
  return value as Fields;
}

function text(value: unknown, field: string): string {
  if (typeof value !== 'string' || value.length > MAX_TEXT) throw malformed(`${field} is no short text`);
  return value;
}

function number(value: unknown, field: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw malformed(`${field} is no number`);
  return value;
}

function duration(value: unknown, field: string): number {
  const ms = number(value, field);
  if (ms < 0) throw malformed(`${field} is below 0`);
  return ms;
}

function malformed(what: string, cause?: unknown): PeerageError {
  return new PeerageError('MALFORMED_FRAME', `A frame is malformed: ${what}.`, { cause });
}
