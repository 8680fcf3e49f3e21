/** Whether a text has something such as `$(POD_IP)` or `${HOST_IP}`, which somebody meant to be replaced by a value. */
export function isNotExpanded(text: string): boolean {
  return /\$\(|\$\{|\{\{/.test(text);
}

/** Whether it is nothing but that. */
export function isPlaceholder(text: string): boolean {
  return /^(\$\([^()]*\)|\$\{[^{}]*\}|\{\{.*\}\})$/s.test(text.trim());
}
