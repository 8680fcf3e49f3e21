import { withoutPassword } from '../../via/url/without-password.js';

/** A text that may quote URLs, without the users and passwords in them. */
export function withoutPasswords(text: string): string {
  return text.replace(/\b[a-z][a-z\d+.-]*:\/\/\S+/gi, (url) =>
    withoutPassword(url).replace(/:\/\/[^/?#]+@/, '://…@'),
  );
}
