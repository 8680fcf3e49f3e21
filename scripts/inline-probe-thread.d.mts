/** The text of `lib/mesh/probes/probe-thread.source.ts`, as it should be. */
export function makeSource(): Promise<string>;
