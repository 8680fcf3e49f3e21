import { withoutPassword } from '../../via/url/without-password.js';

/** A text that may quote URLs, without the users and passwords in them. */
export function withoutPasswords(text: string): string {
  const withoutUsers = text.replace(/(\b[a-z][a-z\d+.-]*:\/\/)[^\s/?#]+@/gi, '$1…@');
  return withoutUsers.replace(/\b[a-z][a-z\d+.-]*:\/\/\S+/gi, withoutPassword);
}
