/** What `nest add` asks for; as in `schematics/nest-add.schema.json`. */
export const VIAS = [
  'environment',
  'local',
  'dns',
  'udp',
  'list',
  'kubernetes',
  'redis',
  'postgres',
] as const;

export type ViaChoice = (typeof VIAS)[number];
export type DeployChoice = 'none' | 'kubernetes' | 'compose';

export interface NestAddOptions {
  readonly sourceRoot?: string;
  readonly via?: ViaChoice;
  readonly deploy?: DeployChoice;
  readonly skipInstall?: boolean;
}

/** What goes into the root module. */
export interface ModuleCode {
  /** The element of `imports`, at no indentation. */
  readonly element: string;
  /** The names that it needs, by package. */
  readonly names: Readonly<Record<string, readonly string[]>>;
  /** Another package that it needs, and in which version. */
  readonly needs?: readonly [name: string, version: string];
}

/** What one choice comes to, in the code of an app. */
export function codeOf(via: ViaChoice, dnsName: string): ModuleCode {
  switch (via) {
    case 'environment':
      return {
        element:
          '// Where PEERAGE_VIA is set, the PEERAGE_* variables say it all; elsewhere, processes of this machine.\n' +
          'process.env.PEERAGE_VIA\n  ? PeerageModule.forRoot()\n  : PeerageModule.forRoot({ via: viaLocal() })',
        names: { 'nestjs-peerage': ['PeerageModule', 'viaLocal'] },
      };
    case 'local':
      return {
        element: 'PeerageModule.forRoot({ via: viaLocal() })',
        names: { 'nestjs-peerage': ['PeerageModule', 'viaLocal'] },
      };
    case 'dns':
      return encrypted('viaDns', `viaDns({ dnsName: '${dnsName}' })`);
    case 'udp':
      return encrypted('viaUdp', 'viaUdp()');
    case 'list':
      return encrypted('viaList', "viaList((process.env.PEERS ?? '').split(' ').filter(Boolean))");
    case 'kubernetes':
      return encrypted('viaKubernetes', `viaKubernetes({ service: '${dnsName}' })`, 'kubernetes');
    case 'redis': {
      const code = "viaRedis({ url: process.env.REDIS_URL ?? 'redis://localhost:6379' })";
      return { ...encrypted('viaRedis', code, 'redis'), needs: ['ioredis', '^5.0.0'] };
    }
    case 'postgres': {
      const code = "viaPostgres({ url: process.env.DATABASE_URL ?? 'postgres://localhost/postgres' })";
      return { ...encrypted('viaPostgres', code, 'postgres'), needs: ['pg', '^8.11.0'] };
    }
  }
}

function encrypted(name: string, call: string, subpath?: string): ModuleCode {
  const from = subpath === undefined ? 'nestjs-peerage' : `nestjs-peerage/${subpath}`;
  const names =
    subpath === undefined
      ? { [from]: ['PeerageModule', name] }
      : { 'nestjs-peerage': ['PeerageModule'], [from]: [name] };
  return {
    element: `PeerageModule.forRoot({\n  via: ${call},\n  secret: process.env.CLUSTER_SECRET,\n})`,
    names,
  };
}
