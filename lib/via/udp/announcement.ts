import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { MAX_NAME_LENGTH, nameOrUndefined } from '../../naming/node-name.js';
import type { Security } from '../../peerage.options.js';

const PREFIX = Buffer.from('Peer:', 'ascii');
const MAC_BYTES = 16;
/** Of the MAC as base64url. */
const SIGNATURE_LENGTH = 22;
const SPACE = 0x20;
const KEY_BYTES = 32;
/** Prefix, the longest name in UTF-8, a space and the signature. */
const MAX_BYTES = PREFIX.length + MAX_NAME_LENGTH * 4 + 1 + SIGNATURE_LENGTH;

/** A provider with this method is given the keys of its announcements before it serves. */
export const ANNOUNCEMENT_KEYS = Symbol('peerage.announcementKeys');

/** Implemented by providers that announce in the open. The first key signs, all are accepted. */
export interface TakesAnnouncementKeys {
  [ANNOUNCEMENT_KEYS](keys: readonly Buffer[]): void;
}

/** One key per secret, each of this cluster and of announcements only. None without a secret. */
export function announcementKeys(security: Security, cluster: string): Buffer[] {
  if (security.kind !== 'secret') return [];
  const purpose = `nestjs-peerage announcement 1 ${cluster}`;
  return security.secrets.map((secret) => Buffer.from(hkdfSync('sha256', secret, '', purpose, KEY_BYTES)));
}

/**
 * `Peer:<name>`, as the Elixir library sends it; with a key a space and a signature follow. The signature
 * carries no time: a replayed announcement is a hint that leads nowhere, while clocks that differ would
 * keep real nodes apart.
 */
export function encodeAnnouncement(name: string, key?: Buffer): Buffer {
  const bytes = Buffer.concat([PREFIX, Buffer.from(name, 'utf8')]);
  return key ? Buffer.concat([bytes, Buffer.of(SPACE), sign(bytes, key)]) : bytes;
}

/**
 * The canonical name in a datagram, or undefined when it is malformed. When there are keys, also when it is
 * not signed with one of them. Never throws.
 */
export function decodeAnnouncement(datagram: Buffer, keys: readonly Buffer[] = []): string | undefined {
  if (datagram.length > MAX_BYTES || !datagram.subarray(0, PREFIX.length).equals(PREFIX)) return undefined;
  const announced = keys.length === 0 ? datagram : verified(datagram, keys);
  const text = announced && utf8(announced.subarray(PREFIX.length));
  return text === undefined ? undefined : nameOrUndefined(text);
}

/** The signed part of a datagram, when its signature is right. */
function verified(datagram: Buffer, keys: readonly Buffer[]): Buffer | undefined {
  const space = datagram.length - SIGNATURE_LENGTH - 1;
  if (datagram[space] !== SPACE) return undefined;
  const announced = datagram.subarray(0, space);
  const signature = datagram.subarray(space + 1);
  return keys.some((key) => timingSafeEqual(signature, sign(announced, key))) ? announced : undefined;
}

/** HMAC-SHA256, truncated, as text. */
function sign(bytes: Buffer, key: Buffer): Buffer {
  const mac = createHmac('sha256', key).update(bytes).digest().subarray(0, MAC_BYTES);
  return Buffer.from(mac.toString('base64url'), 'ascii');
}

function utf8(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
