import type { SoakState } from './node/config.js';

type Counts = Pick<SoakState, 'bootId' | 'sentTo' | 'handledFrom' | 'unanswered'>;

/** Where what nodes see is not the whole mesh, each other one once and nobody else. */
export function faultsOfViews(views: readonly Pick<SoakState, 'bootId' | 'peers'>[]): string[] {
  const all = views.map(({ bootId }) => bootId).toSorted();
  return views.flatMap(({ bootId, peers }) => {
    const others = all.filter((id) => id !== bootId);
    if (peers.toSorted().join() === others.join()) return [];
    const missing = others.filter((id) => !peers.includes(id)).length;
    return [`${bootId} sees ${peers.length} peers, ${missing} of the other ${others.length} are missing`];
  });
}

/** What has not ended though nothing is sent any more. */
export function faultsOfRest(
  states: readonly Pick<SoakState, 'bootId' | 'pending' | 'listeners'>[],
): string[] {
  return states.flatMap(({ bootId, pending, listeners }) => [
    ...(pending.length > 0 ? [`${bootId} waits for ${pending.length} messages: ${pending[0]}`] : []),
    ...(listeners > 0 ? [`${bootId} has ${listeners} listeners on a signal, and no request`] : []),
  ]);
}

/** Between nodes whose connections never broke what was sent has to arrive, and what was asked is answered. */
export function lostBetween(steady: readonly Counts[]): string[] {
  return steady.flatMap((from) => steady.flatMap((to) => lostFrom(from, to)));
}

/** The same between one that has ended gracefully and those that go on. */
export function lostAtEnd(ended: Counts, others: readonly Counts[]): string[] {
  return others.flatMap((other) => [...lostFrom(ended, other), ...lostFrom(other, ended)]);
}

function lostFrom(from: Counts, to: Counts): string[] {
  const sent = from.sentTo[to.bootId] ?? 0;
  const handled = to.handledFrom[from.bootId] ?? 0;
  const unanswered = from.unanswered[to.bootId] ?? 0;
  return [
    ...(sent === handled
      ? []
      : [`${handled} of ${sent} messages of ${from.bootId} were handled by ${to.bootId}`]),
    ...(unanswered === 0
      ? []
      : [`${unanswered} requests of ${from.bootId} were not answered by ${to.bootId}`]),
  ];
}
