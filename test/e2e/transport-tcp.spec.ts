import { afterAll } from 'vitest';
import { createTcpTransport } from '../../lib/mesh/transport/tcp/tcp-transport.js';
import type { Security } from '../../lib/peerage.options.js';
import { TestAuthority } from '../support/mesh/certificates.js';
import { has } from '../support/requirements.mjs';
import { describeTransport, type TransportRequest } from '../support/mesh/transport-conformance.js';

const authority = has('openssl') ? new TestAuthority() : undefined;

afterAll(() => authority?.dispose());

const transport = (
  security: Security,
  { port = 0, portIsFixed = false, cluster = '', limits }: TransportRequest,
) => createTcpTransport({ bind: '127.0.0.1', port, portIsFixed, security, cluster, limits });

describeTransport('TCP with a secret', () => ({
  hasSecrets: true,
  make: (request) => transport({ kind: 'secret', secrets: [request.secret!] }, request),
}));

if (authority) {
  const tls = { ca: authority.ca, ...authority.issue('node') };
  describeTransport('TCP with mutual TLS', () => ({
    hasSecrets: false,
    make: (request) => transport({ kind: 'tls', tls }, request),
  }));
}

describeTransport('TCP in plaintext', () => ({
  hasSecrets: false,
  make: (request) => transport({ kind: 'none' }, request),
}));
