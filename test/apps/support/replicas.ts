import { expect, vi } from 'vitest';
import { freePorts } from '../../support/processes/cluster.js';
import { Program, type ProgramEnd, stopPrograms } from '../../support/processes/programs.js';

const PATIENCE = { timeout: 20_000, interval: 50 };

/** Long enough to be suspected, probed, and called `degraded`. */
const BLOCK_MS = 2_500;

interface State {
  readonly name: string;
  readonly peers: readonly {
    readonly name: string;
    readonly bootId: string;
    readonly status: string;
    readonly probes: string;
  }[];
  readonly notes: readonly string[];
}

export interface ReplicaOptions {
  /** A `node` of another version. @default the one that runs the tests */
  readonly node?: string | undefined;
  readonly env?: Readonly<Record<string, string>>;
}

/** A running app: a process with our module in it, and a web server. */
class Replica {
  readonly program: Program;
  private readonly url: string;

  constructor(main: string, port: number, options: ReplicaOptions) {
    this.url = `http://127.0.0.1:${port}/cluster`;
    const env = { ...options.env, PORT: String(port), NO_COLOR: '1' };
    this.program = new Program(main, { env, node: options.node });
  }

  state = () => this.get<State>('');
  providers = () => this.get<readonly { provider: string; error: string }[]>('/providers');
  block = (ms: number) => fetch(`${this.url}/block/${ms}`);

  private async get<T>(path: string): Promise<T> {
    if (!this.program.isRunning) throw new Error(`It has ended:\n${this.program.lines.join('\n')}`);
    return (await (await fetch(`${this.url}${path}`)).json()) as T;
  }
}

/**
 * Two replicas of an app meet, one answers probes while its event loop is blocked, and leaves when it is told to
 * end.
 */
export async function expectCluster(
  main: string,
  [first, second]: readonly [ReplicaOptions, ReplicaOptions] = [{}, {}],
): Promise<void> {
  const [portA = 0, portB = 0, ...mesh] = await freePorts(4);
  const names = mesh.map((port) => `door@127.0.0.1:${port}`);
  const start = (port: number, at: number, options: ReplicaOptions) =>
    new Replica(main, port, {
      ...options,
      env: {
        PEERAGE_APP_NAME: 'door',
        PEERAGE_BIND: '127.0.0.1',
        PEERAGE_SECRET: 'a secret of the tests, long enough',
        PEERAGE_PORT: String(mesh[at]),
        PEERAGE_VIA: `list:${names.join(';')}`,
        PEERAGE_HEARTBEAT_INTERVAL_MS: '200',
        PEERAGE_HEARTBEAT_SUSPECT_MS: '500',
        ...options.env,
      },
    });
  const a = start(portA, 0, first);
  const b = start(portB, 1, second);
  try {
    await meet(a, b);
    await expectProbesWhileBlocked(a, b);
    const { name } = await b.state();
    expect(await endOf(b.program)).toEqual({ code: null, signal: 'SIGTERM' });
    await a.program.line(new RegExp(`peer\\.down.* ${name} .*: it said goodbye`));
  } finally {
    await stopPrograms([a.program, b.program]);
  }
}

async function meet(a: Replica, b: Replica): Promise<void> {
  for (const [replica, port] of [[a, b] as const, [b, a] as const]) {
    await vi.waitFor(async () => {
      const { name } = await port.state();
      const { peers } = await replica.state();
      expect(peers).toEqual([expect.objectContaining({ name, status: 'up', probes: 'answered' })]);
    }, PATIENCE);
    expect((await replica.state()).notes).toEqual([]);
  }
}

/** Its own thread answers: the loop of `b` cannot. */
async function expectProbesWhileBlocked(a: Replica, b: Replica): Promise<void> {
  const [before] = (await a.state()).peers;
  const blocked = b.block(BLOCK_MS);
  const peerIs = (status: string) =>
    vi.waitFor(
      async () => expect((await a.state()).peers).toEqual([{ ...before, status, probes: 'answered' }]),
      PATIENCE,
    );
  await peerIs('degraded');
  await blocked;
  await peerIs('up');
  expect(a.program.lines.filter((line) => line.includes('peer.down'))).toEqual([]);
}

async function endOf(program: Program): Promise<ProgramEnd> {
  program.signal('SIGTERM');
  return await program.ended;
}

/** Starts an app alone and asks what each of its providers says. */
export async function providersOf(main: string, via: string): Promise<string[]> {
  const [port = 0] = await freePorts(1);
  const env = { PEERAGE_APP_NAME: 'door', PEERAGE_BIND: '127.0.0.1', PEERAGE_PORT: '0', PEERAGE_VIA: via };
  const replica = new Replica(main, port, { env });
  try {
    const answers = await vi.waitFor(() => replica.providers(), PATIENCE);
    return answers.map(({ provider, error }) => `${provider}: ${error}`);
  } finally {
    await stopPrograms([replica.program]);
  }
}
