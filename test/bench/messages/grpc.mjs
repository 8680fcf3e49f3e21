import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';

export const name = 'gRPC unary';

const PROTO = `syntax = "proto3";
package bench;
message Price { string sku = 1; double price = 2; string currency = 3; double at = 4; string note = 5; }
message Nothing {}
service Prices { rpc Get (Price) returns (Price); rpc Changed (Price) returns (Nothing); }`;

/** Plaintext; there are no one-way messages, so an event is a call whose answer is empty. */
export async function serve({ onEvent, nodes = 1 }) {
  const servers = [];
  for (let i = 0; i < nodes; i++) {
    const server = new grpc.Server();
    server.addService(pricesService().service, {
      get: ({ request }, reply) => reply(null, request),
      changed: (_, reply) => {
        onEvent();
        reply(null, {});
      },
    });
    const port = await new Promise((resolve, reject) => {
      const insecure = grpc.ServerCredentials.createInsecure();
      server.bindAsync('127.0.0.1:0', insecure, (error, bound) => (error ? reject(error) : resolve(bound)));
    });
    servers.push({ server, port });
  }
  return {
    address: servers.map(({ port }) => port),
    close: () => servers.forEach(({ server }) => server.forceShutdown()),
  };
}

export async function call(address) {
  const Prices = pricesService();
  const clients = address.map((port) => new Prices(`127.0.0.1:${port}`, grpc.credentials.createInsecure()));
  const ask = (client, method, data) =>
    new Promise((resolve, reject) =>
      client[method](data, (error, answer) => (error ? reject(new Error(String(error))) : resolve(answer))),
    );
  return {
    request: (data) => ask(clients[0], 'get', data),
    event: (data) => ask(clients[0], 'changed', data),
    broadcast: (data) => Promise.all(clients.map((client) => ask(client, 'changed', data))),
    close: () => clients.forEach((client) => client.close()),
  };
}

function pricesService() {
  const folder = mkdtempSync(join(tmpdir(), 'peerage-bench-'));
  try {
    const file = join(folder, 'prices.proto');
    writeFileSync(file, PROTO);
    return grpc.loadPackageDefinition(protoLoader.loadSync(file)).bench.Prices;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
