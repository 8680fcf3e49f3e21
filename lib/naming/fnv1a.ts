/** The 32-bit FNV-1a hash of a text, by its UTF-16 units. Nodes of all versions compute the same. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
