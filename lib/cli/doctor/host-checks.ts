import { X509Certificate } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { readFile } from 'node:fs/promises';
import { createServer, isIPv6 } from 'node:net';
import { secretFingerprint } from '../../naming/secret-name.js';
import { DEFAULT_PORT, formatHostPort } from '../../naming/node-name.js';
import { ownInterfaces } from '../../naming/own-interfaces.js';
import { describeError } from '../../errors/peerage-error.js';
import { resolveSettings } from '../../settings/settings.js';
import { askSocket, findSockets } from '../../status/status-socket.js';
import type { DoctorCommand } from '../command.js';
import type { Finding } from './doctor.js';

const OLDEST_NODE = [20, 19] as const;

/** Connections of a full mesh, files of the app, and some to spare. */
const FEW_FILES = 1_024;

/** A secret of fewer different characters was not drawn at random. */
const FEW_CHARACTERS = 10;

export function checkNodeVersion(version = process.versions.node): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isOld = major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1]);
  const says = `${version} on ${process.platform} ${process.arch}`;
  if (!isOld) return { check: 'Node.js', result: 'ok', says };
  return {
    check: 'Node.js',
    result: 'failed',
    says,
    advice: `use Node.js ${OLDEST_NODE.join('.')} or newer`,
  };
}

/** How many files a process may have open; each peer takes one. */
export async function checkFiles(): Promise<Finding> {
  const check = 'open files';
  const text = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const limit = /^Max open files\s+(\S+)/m.exec(text)?.[1];
  if (limit === undefined) return { check, result: 'ok', says: 'this system does not tell its limit' };
  const says = `at most ${limit}`;
  if (limit === 'unlimited' || Number(limit) >= FEW_FILES) return { check, result: 'ok', says };
  return {
    check,
    result: 'warning',
    says,
    advice: `each peer takes one; raise it to ${FEW_FILES} or more (ulimit -n)`,
  };
}

/** The date counts where certificates do. */
export function checkClock({ security }: DoctorCommand, now = new Date()): Finding {
  const says = now.toISOString();
  if (now.getUTCFullYear() < 2025)
    return { check: 'clock', result: 'failed', says, advice: 'set the clock: certificates are judged by it' };
  if (security.kind !== 'tls') return { check: 'clock', result: 'ok', says };
  const { cert } = security.tls;
  const pem = Array.isArray(cert) ? (cert[0] as string | Buffer) : cert;
  const { validFrom, validTo } = new X509Certificate(pem);
  const isValid = now >= new Date(validFrom) && now <= new Date(validTo);
  const dates = `${says}; the certificate holds from ${validFrom} to ${validTo}`;
  if (isValid) return { check: 'clock', result: 'ok', says: dates };
  return { check: 'clock', result: 'failed', says: dates, advice: 'renew the certificate, or set the clock' };
}

/** Whether there is a secret, how strong it looks, and what it is called. */
export function checkSecret({ security, options }: DoctorCommand): Finding[] {
  const check = 'protection';
  if (security.kind === 'tls') return [{ check, result: 'ok', says: 'certificates (mutual TLS)' }];
  if (security.kind === 'none') {
    const says = options.insecure
      ? 'none, as insecure asks for: anybody who reaches the port can join'
      : 'none: a node listens on loopback only, and no other machine can join';
    const advice = 'set PEERAGE_SECRET to the output of: openssl rand -base64 32';
    return [{ check, result: 'warning', says, advice }];
  }
  return security.secrets.map((secret, i) => {
    const name = i === 0 ? 'secret' : `secret ${i + 1}`;
    const different = new Set(secret).size;
    const says = `${Buffer.byteLength(secret)} bytes, fingerprint ${secretFingerprint(secret)} (the same on every node)`;
    if (different >= FEW_CHARACTERS) return { check: name, result: 'ok', says };
    const advice = `it has only ${different} different characters and may be guessed; take: openssl rand -base64 32`;
    return { check: name, result: 'warning', says, advice };
  });
}

/** What peers would be told to dial, and why that. */
export function checkAddress({ options }: DoctorCommand): Finding {
  const check = 'address';
  try {
    const { host, hostIsDetected, hostBecause, warnings } = resolveSettings({ ...options, via: undefined });
    const others = Object.entries(ownInterfaces()).flatMap(([name, addresses]) =>
      (addresses ?? []).filter(({ internal }) => !internal).map(({ address }) => `${address} (${name})`),
    );
    const says = `peers are told ${host}: ${hostBecause}`;
    const [warning] = warnings;
    if (warning !== undefined) return { check, result: 'warning', says, advice: warning };
    if (!hostIsDetected || others.length < 2) return { check, result: 'ok', says };
    const advice = `of ${others.join(', ')} it is a guess; set PEERAGE_HOST when another one is right`;
    return { check, result: 'warning', says, advice };
  } catch (error) {
    return { check, result: 'failed', says: describeError(error) };
  }
}

/** Whether a node could listen here. */
export async function checkPort({ options }: DoctorCommand): Promise<Finding[]> {
  const port = options.port ?? DEFAULT_PORT;
  const bind = options.bind ?? '0.0.0.0';
  const tcp = await listenTcp(bind, port);
  const udp = await listenUdp(bind, port);
  const owner = tcp === 'EADDRINUSE' || udp === 'EADDRINUSE' ? await nodeAt(port) : undefined;
  const at = formatHostPort(bind, port);
  return [
    portFinding(`TCP port ${at}`, tcp, owner, options.port !== undefined),
    portFinding(`UDP port ${at}`, udp, owner, options.port !== undefined),
  ];
}

function portFinding(
  check: string,
  code: string | undefined,
  owner: string | undefined,
  isFixed: boolean,
): Finding {
  if (code === undefined) return { check, result: 'ok', says: 'free' };
  if (code !== 'EADDRINUSE')
    return {
      check,
      result: 'failed',
      says: code,
      advice: 'is bind an address of this host, and the port above 1023?',
    };
  if (owner !== undefined) return { check, result: 'ok', says: `taken, by ${owner}` };
  return {
    check,
    result: isFixed ? 'failed' : 'warning',
    says: 'taken by another process',
    advice: isFixed
      ? 'stop that process, or choose another port'
      : 'a node takes a free port instead, which firewalls and providers do not know',
  };
}

/** The node of this user that has the port. */
async function nodeAt(port: number): Promise<string | undefined> {
  for (const socket of await findSockets()) {
    const report = await askSocket(socket, 1_000).catch(() => undefined);
    if (report?.explanation.listening?.port === port)
      return `${report.explanation.self.name} (process ${report.pid})`;
  }
  return undefined;
}

/** The code of the error, when it cannot be listened on. */
function listenTcp(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

function listenUdp(address: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close();
      resolve(error.code ?? error.message);
    });
    socket.bind({ address, port, exclusive: true }, () => socket.close(() => resolve(undefined)));
  });
}
