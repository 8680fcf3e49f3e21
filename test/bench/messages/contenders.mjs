import { OBJECT } from './prices.mjs';

const SECRET = 'a secret of the benchmark';

/**
 * Who is compared, in the order of the table. `broker`: the server it needs. `noBroadcast`: it is one pipe.
 * `noEvents`: it answers requests only.
 */
export const contenders = {
  raw: { noBroadcast: true, load: () => import('./raw-net.mjs') },
  engine: { load: () => import('./bare-engine.mjs') },
  peerage: { load: () => peerage('nestjs-peerage, with a secret', { secret: SECRET }) },
  plain: { load: () => peerage('nestjs-peerage, plaintext', {}) },
  transporter: { load: () => transporter('our transporter, with a secret', { secret: SECRET }) },
  'transporter-plain': { load: () => transporter('our transporter, plaintext', {}) },
  'transporter-object': {
    load: () => transporter('our transporter, with a secret, pattern an object', { secret: SECRET }, OBJECT),
  },
  'nest-alone': { noBroadcast: true, noEvents: true, load: () => import('./nest-alone.mjs') },
  'nest-tcp': { load: () => nest('NestJS TCP', 'tcp') },
  'nest-tcp-object': { load: () => nest('NestJS TCP, pattern an object', 'tcp', OBJECT) },
  'nest-redis': { broker: 'redis', load: () => nest('NestJS Redis', 'redis') },
  'nest-nats': { broker: 'nats', load: () => nest('NestJS NATS', 'nats') },
  grpc: { load: () => import('./grpc.mjs') },
  moleculer: { load: () => import('./moleculer.mjs') },
};

async function peerage(name, options) {
  return (await import('./peerage.mjs')).peerage(name, options);
}

async function transporter(name, options, pattern) {
  return (await import('./transporter.mjs')).transporter(name, options, pattern);
}

async function nest(name, transport, pattern) {
  const module = await import('./nest-microservice.mjs');
  return module.nestMicroservice(name, module[transport], pattern);
}
