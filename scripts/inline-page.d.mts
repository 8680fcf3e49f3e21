/** The text of `lib/dashboard/page.source.ts`, as it should be. */
export function makePage(): string;
