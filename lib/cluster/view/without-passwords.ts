/** A text that may quote a URL, without the user and password in it. */
export function withoutPasswords(text: string): string {
  return text.replace(/(\b[a-z][a-z\d+.-]*:\/\/)[^\s/?#]+@/gi, '$1…@');
}
