/** A URL as it may be printed: what is printed ends up in logs and tickets. */
export function withoutPassword(url: string): string {
  return (
    url
      .replace(/(\/\/[^/@:]*):.*@/s, '$1:***@')
      // Cut in the middle of a password that has a comma.
      .replace(/(\/\/[^/@:]*):(?!\d*([/?]|$))[^@]*$/s, '$1:***')
      .replace(/^[^/:?]*@/, '***@')
      .replace(/([?&]password=)[^&]*/gi, '$1***')
  );
}
