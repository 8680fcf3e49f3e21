/** Where a user and a password may stand. */
const WITH_PASSWORD = /^(rediss?|postgres(ql)?):/i;
const OF_NAMES = /^list:/i;
const WITHOUT_PASSWORD = /^(self|dns(\+srv)?|udp|file|local|kubernetes)(:|$)/i;

/** User and password in their place: every character that might end them is written as in %3F, and one @ ends them. */
const IN_PLACE = /^([a-z]+:(?:\/\/)?)(?:[\w.~!$&'()*+=:-]|%[\da-f]{2})*(@[^@]*)$/i;
const PARAMETER = /([?&][^=&]*passw[^=&]*=).*/is;
/** One or two, in texts that have no @: whatever else follows a colon may be a password whose end is missing. */
const HOST = /^(\[[^\]]*\]|[^:/\\?]*)(:\d*)?([/?]|$)/;
const NAME = /^\s*([^:@/\\]*|[^:@/\\]+@(\[[^\]@]*\]|[^:@/\\[\]]*)(:\d*)?)\s*$/;

/** Said where what is wrong may show the password. */
const UNTOLD =
  'what is wrong is not shown, as a piece of a password may be in it. A password may stand in URLs of Redis and ' +
  'PostgreSQL alone, as in redis://user:password@host, with its special characters written as in %40 (an @), %23 (a #) ' +
  'and %2C (a comma)';
const UNTOLD_NAME = 'one of its parts is no node name; its names are separated by semicolons, URLs by commas';

/**
 * A URL as it may be printed: what is printed ends up in logs and tickets. Where nobody can tell what of it is the
 * password, the scheme alone is left.
 */
export function withoutPassword(url: string): string {
  if (!isClear(url)) return schemeAlone(url);
  const shown = WITH_PASSWORD.test(url.trim()) ? url.trim().replace(IN_PLACE, '$1***$2') : url;
  return shown.replace(PARAMETER, '$1***');
}

/** `isRest`: it may begin within a password, where only a scheme that we know tells nothing. */
export function schemeAlone(text: string, isRest = false): string {
  const url = text.trim();
  for (const known of [WITH_PASSWORD, OF_NAMES, WITHOUT_PASSWORD]) {
    const [scheme] = known.exec(url) ?? [];
    if (scheme !== undefined) return `${scheme}…`;
  }
  const [scheme = ''] = (isRest ? null : /^[a-z][a-z\d+.-]*:(?=\/\/)/i.exec(url)) ?? [];
  return `${scheme}…`;
}

/** What is wrong with a URL, as it may be printed: it may quote a piece of it. `isRest`: it may begin within a password. */
export function faultWithoutPassword(fault: string, url: string, isRest = false): string {
  if (!isRest && isClear(url) && !PARAMETER.test(url)) return fault;
  return OF_NAMES.test(url.trim()) ? UNTOLD_NAME : UNTOLD;
}

/**
 * How many of these pieces, which a text was cut into at its commas, may be pieces of one password: those up to the last
 * @ that is not in its place.
 */
export function piecesOfPassword(pieces: readonly string[]): number {
  return pieces.findLastIndex((piece) => piece.includes('@') && !isClear(piece)) + 1;
}

/** Whether everybody sees which part of a URL is the password, if it has one. */
function isClear(text: string): boolean {
  const url = text.trim();
  if (OF_NAMES.test(url))
    return url
      .slice('list:'.length)
      .split(';')
      .every((name) => NAME.test(name));
  if (url.includes('@')) return WITH_PASSWORD.test(url) && IN_PLACE.test(url);
  return WITHOUT_PASSWORD.test(url) || HOST.test(url.replace(/^[^:/\\]*(:[/\\]*|[/\\]+)/, ''));
}
