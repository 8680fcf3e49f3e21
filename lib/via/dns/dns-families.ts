/** 4: A records. 6: AAAA records. 0: both. */
export type AddressFamily = 0 | 4 | 6;

/** What each record type last answered. */
export type AddressMemory = Map<4 | 6, readonly string[]>;

/** How one record type fared: its addresses, or the error that kept them from us. */
export type FamilyAnswer = PromiseSettledResult<readonly string[]>;

export function familiesOf(family: AddressFamily): readonly (4 | 6)[] {
  return family === 0 ? [4, 6] : [family];
}

/**
 * All addresses. When one record type failed but the other has addresses, what the failed one last answered
 * is added, so that a broken half of DNS neither loses names nor silences the other half.
 *
 * @throws the failure, when there is one and nobody has addresses.
 */
export function uniteFamilies(answers: ReadonlyMap<4 | 6, FamilyAnswer>, memory: AddressMemory): string[] {
  const failure = [...answers.values()].find((answer) => answer.status === 'rejected');
  const hasAddresses = [...answers.values()].some(
    (answer) => answer.status === 'fulfilled' && answer.value.length > 0,
  );
  if (failure && !hasAddresses) throw failure.reason;
  for (const [family, answer] of answers) {
    if (answer.status === 'fulfilled') memory.set(family, answer.value);
  }
  return [...answers.keys()].flatMap((family) => memory.get(family) ?? []);
}
