import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { MAX_NAME_LENGTH } from '../naming/node-name.js';
import type { Security } from '../peerage.options.js';
import { nameOrUndefined } from './checks.js';

const PREFIX = Buffer.from('Peer:', 'ascii');
const MAC_BYTES = 16;
const MAC_TEXT = /^[A-Za-z0-9_-]{22}$/;
const KEY_BYTES = 32;
/** Prefix, the longest name in UTF-8, a space and the signature. */
const MAX_BYTES = PREFIX.length + MAX_NAME_LENGTH * 4 + 1 + 22;

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
  return key ? Buffer.concat([bytes, Buffer.from(` ${sign(bytes, key).toString('base64url')}`)]) : bytes;
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
  const space = datagram.lastIndexOf(' ');
  if (space < 0) return undefined;
  const macText = datagram.toString('latin1', space + 1);
  if (!MAC_TEXT.test(macText)) return undefined;
  const announced = datagram.subarray(0, space);
  const mac = Buffer.from(macText, 'base64url');
  return keys.some((key) => timingSafeEqual(mac, sign(announced, key))) ? announced : undefined;
}

function sign(bytes: Buffer, key: Buffer): Buffer {
  return createHmac('sha256', key).update(bytes).digest().subarray(0, MAC_BYTES);
}

function utf8(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
