/** Up to where a user and a password may begin, however the slashes are mistyped: `redis://`, `redis:`, `redis/`. */
const SCHEME = /^[^:@/\\]*(?::[/\\]*|[/\\]+)/;
const USER = /^[^:@/\\?]*(?=:)/;
const PORT = /^[^:@/\\?]*:\d*([/?]|$)/;
/** Node names have an @ too, and are no secret. */
const OF_NAMES = /^\s*list:/i;
/** Shorter pieces of a password are in every text. */
const TELLING = 3;
/** Said where the cause itself would show the password. */
const WRONG_PASSWORD =
  'a password may stand in URLs of Redis and PostgreSQL alone, behind redis://user: or postgres://user:, with its ' +
  'special characters written as in %3F';

/** A URL as it may be printed: what is printed ends up in logs and tickets. */
export function withoutPassword(url: string): string {
  const around = aroundPassword(url);
  const shown = around ? `${around.before}***${around.after}` : url;
  return shown.replace(/([?&]password=)[^&]*/gi, '$1***');
}

/** Whether a text, such as the message of an error, shows a piece of the password in this URL. */
function showsPassword(text: string, url: string): boolean {
  const { secret = '' } = aroundPassword(url) ?? {};
  const pieces = `${secret} ${decoded(secret)}`.toLowerCase().split(/[^\p{L}\p{N}]+/u);
  return pieces.some((piece) => piece.length >= TELLING && text.toLowerCase().includes(piece));
}

/** What is wrong with a URL, as it may be printed. */
export function faultWithoutPassword(fault: string, url: string): string {
  return showsPassword(fault, url) ? WRONG_PASSWORD : fault;
}

/** Whether a URL that was cut at a comma may have been cut in its password: an @ may be one of the user's name. */
export function mayEndInPassword(url: string): boolean {
  if (OF_NAMES.test(url)) return false;
  const at = url.lastIndexOf('@');
  if (at < 0) return afterScheme(url).includes(':');
  const host = url.slice(at + 1);
  return host.includes(':') && !PORT.test(host);
}

interface AroundPassword {
  readonly before: string;
  readonly secret: string;
  readonly after: string;
}

/** The password is whatever stands between scheme and user and the last @: it may hold any character, also an @. */
function aroundPassword(url: string): AroundPassword | undefined {
  if (OF_NAMES.test(url)) return undefined;
  const rest = afterScheme(url);
  const scheme = url.slice(0, url.length - rest.length);
  const user = USER.exec(rest)?.[0];
  const before = user === undefined ? scheme : `${scheme}${user}:`;
  const at = url.lastIndexOf('@');
  // Cut in the middle of a password that has a comma.
  const isCut = at < 0 && user !== undefined && !PORT.test(rest);
  // That of Redis is a password whose colon was forgotten.
  const isUserAlone = /^postgres(ql)?:\/\/$/i.test(scheme) && /^[^:@/\\?]*@[^@]*$/.test(rest);
  if ((at < 0 && !isCut) || isUserAlone) return undefined;
  const end = at < 0 ? url.length : at;
  return { before, secret: url.slice(before.length, end), after: url.slice(end) };
}

function afterScheme(url: string): string {
  return url.slice(SCHEME.exec(url)?.[0].length ?? 0);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
