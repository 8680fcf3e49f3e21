import { isIP, isIPv6 } from 'node:net';
import { PeerageError } from '../errors/peerage-error.js';

/** The port of a node whose name carries none. TCP for the mesh, UDP for the probes. */
export const DEFAULT_PORT = 4370;

/** The longest node name that is accepted, in characters. */
export const MAX_NAME_LENGTH = 255;

/** The three parts of a node name. `host` is bare: an IPv6 address has no brackets here. */
export interface NodeName {
  readonly app: string;
  readonly host: string;
  readonly port: number;
}

const APP = /^[^\s@\p{Cc}]+$/u;
const HOST = /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9_.])?$/;
const SHAPE = /^([^@]*)@(?:\[([^\]]*)\]|([^[\]:@]*))(?::(\d{1,5}))?$/u;

/**
 * Reads `app@host`, `app@host:port`, `app@[ipv6]` or `app@[ipv6]:port`.
 *
 * @throws PeerageError `INVALID_NAME`, saying which part is wrong.
 */
export function parseNodeName(text: string): NodeName {
  if (typeof text !== 'string') throw invalid(text, 'a node name is a string');
  if (text.length > MAX_NAME_LENGTH) throw invalid(text, `it is longer than ${MAX_NAME_LENGTH} characters`);
  const match = SHAPE.exec(text);
  if (!match) throw invalid(text, 'it is not of the form app@host or app@host:port');
  const [, app = '', ipv6, plain, digits] = match;
  if (!APP.test(app)) throw invalid(text, 'the part before @ is empty or has spaces');
  const host = (ipv6 ?? plain ?? '').toLowerCase();
  const hostIsValid = ipv6 === undefined ? HOST.test(host) : isIPv6(host);
  if (!hostIsValid)
    throw invalid(text, 'the part after @ is no host name and no address (IPv6 goes in brackets)');
  const port = digits === undefined ? DEFAULT_PORT : Number(digits);
  if (port < 1 || port > 65535) throw invalid(text, 'the port is not between 1 and 65535');
  return { app, host, port };
}

/** The canonical text of a name: the default port is left out, an IPv6 host stands in brackets. */
export function formatNodeName({ app, host, port }: NodeName): string {
  return `${app}@${formatHostPort(host, port === DEFAULT_PORT ? undefined : port)}`;
}

/** `host`, or `host:port`; an IPv6 host stands in brackets. */
export function formatHostPort(host: string, port?: number): string {
  const bracketed = host.includes(':') ? `[${host}]` : host;
  return port === undefined ? bracketed : `${bracketed}:${port}`;
}

/** What `formatHostPort` made of both. */
export function parseHostPort(text: string): Pick<NodeName, 'host' | 'port'> {
  const at = text.lastIndexOf(':');
  return { host: text.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(text.slice(at + 1)) };
}

/** Whether a host is an address: nothing has to be looked up to reach it. */
export function isAddress(host: string): boolean {
  return isIP(host) !== 0;
}

/** The canonical form of `text`: two texts name the same node exactly when their canonical forms are equal. */
export function canonicalName(text: string): string {
  return formatNodeName(parseNodeName(text));
}

/** The canonical form of a text, or undefined when it is no node name. */
export function nameOrUndefined(text: unknown): string | undefined {
  try {
    return canonicalName(text as string);
  } catch {
    return undefined;
  }
}

export function isAppName(value: unknown): value is string {
  return (
    typeof value === 'string' && !value.includes('@') && nameOrUndefined(`${value}@localhost`) !== undefined
  );
}

export function isPort(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 65_535;
}

/** The part of a name that is dialled, always with its port: `host:port`. */
export function addressOf(name: string): string {
  const { host, port } = parseNodeName(name);
  return formatHostPort(host, port);
}

/** Orders names for people: by code unit, the same on every node. */
export function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function invalid(text: unknown, why: string): PeerageError {
  const shown = JSON.stringify(String(text).slice(0, 80));
  return new PeerageError('INVALID_NAME', `${shown} is not a node name: ${why}.`);
}
