const SECRET = 'a secret of the benchmark';

/** Who is compared, in the order of the table. `broker`: the server it needs. `noBroadcast`: it is one pipe. */
export const contenders = {
  raw: { noBroadcast: true, load: () => import('./raw-net.mjs') },
  engine: { load: () => import('./bare-engine.mjs') },
  peerage: { load: () => peerage('nestjs-peerage, with a secret', { secret: SECRET }) },
  plain: { load: () => peerage('nestjs-peerage, plaintext', {}) },
  'nest-tcp': { load: () => nest('NestJS TCP', 'tcp') },
  'nest-redis': { broker: 'redis', load: () => nest('NestJS Redis', 'redis') },
  'nest-nats': { broker: 'nats', load: () => nest('NestJS NATS', 'nats') },
  grpc: { load: () => import('./grpc.mjs') },
  moleculer: { load: () => import('./moleculer.mjs') },
};

async function peerage(name, options) {
  return (await import('./peerage.mjs')).peerage(name, options);
}

async function nest(name, transport) {
  const module = await import('./nest-microservice.mjs');
  return module.nestMicroservice(name, module[transport]);
}
