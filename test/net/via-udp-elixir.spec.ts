import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, it, vi } from 'vitest';
import { has } from '../support/requirements.mjs';
import type { Namespace } from '../support/providers/via-namespaces.js';
import { Network } from '../support/providers/via-namespaces.js';
import { ViaProcess } from '../support/providers/via-process.js';

/** The socket of the Elixir library, with its options: announces a name once a second, prints what it hears. */
const ELIXIR_SOCKET = (name: string) => `
  {ok, S} = gen_udp:open(45900, [binary, {reuseaddr, true}, {broadcast, true}, {multicast_loop, true},
    {active, true}, {multicast_ttl, 1}, {ip, {0,0,0,0}}, {add_membership, {{230,1,1,1}, {0,0,0,0}}}]),
  F = fun(F) ->
    ok = gen_udp:send(S, {230,1,1,1}, 45900, [<<"Peer:">>, "${name}"]),
    D = fun(D) -> receive {udp, S, _, _, B} -> io:format("~s~n", [B]), D(D) after 1000 -> ok end end,
    D(D), F(F)
  end, F(F).`;

let network: Network | undefined;
const nodes: ViaProcess[] = [];
const erlangs: ChildProcess[] = [];

afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.kill()));
  await Promise.all(
    erlangs.splice(0).map(async (erlang) => {
      erlang.kill('SIGKILL');
      if (erlang.exitCode === null && erlang.signalCode === null) await once(erlang, 'exit');
    }),
  );
  network?.delete();
});

function startErlang(host: Namespace, name: string): () => string {
  const args = ['netns', 'exec', host.name, 'erl', '-noshell', '-eval', ELIXIR_SOCKET(name)];
  const erlang = spawn('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  erlangs.push(erlang);
  let output = '';
  for (const stream of [erlang.stdout, erlang.stderr]) stream.on('data', (text) => (output += String(text)));
  return () => output;
}

it.skipIf(!has('netns') || !has('erl'))(
  'a node and the Elixir library see each other, on one host and across the network',
  async () => {
    network = new Network();
    const [left, right] = [network.addHost(), network.addHost()];
    for (const host of [left, right]) host.ip('route', 'add', 'default', 'via', '10.77.0.254');
    const serve = (host: Namespace, name: string): ViaProcess => {
      const node = new ViaProcess('udp:', name, 'serve', { namespace: host.name });
      nodes.push(node);
      return node;
    };
    const beside = serve(left, 'node@10.77.0.1:1');
    await beside.message(({ ready }) => ready);
    const heard = startErlang(left, 'elixir@10.77.0.1');
    const across = serve(right, 'node@10.77.0.2:2');
    await Promise.all([beside.hasFound('elixir@10.77.0.1'), across.hasFound('elixir@10.77.0.1')]);
    await vi.waitFor(
      () => {
        expect(heard()).toMatch(/^Peer:node@10\.77\.0\.1:1$/m);
        expect(heard()).toMatch(/^Peer:node@10\.77\.0\.2:2$/m);
      },
      { timeout: 20_000 },
    );
  },
);
