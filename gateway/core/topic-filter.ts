/**
 * Whether every topic that `inner` matches is matched by `outer`, both MQTT topic filters
 * (MQTT 3.1.1 §4.7). A topic name is a filter that matches only itself, so this is matching, too.
 */
export function filterCovers(outer: string, inner: string): boolean {
  const outerLevels = outer.split('/')
  const innerLevels = inner.split('/')
  // §4.7.2: a leading wildcard does not match topics that begin with `$`.
  if (inner.startsWith('$') && /^[+#]/.test(outer)) return false
  for (const [depth, level] of outerLevels.entries()) {
    // §4.7.1.2: `#` also stands for the level above it.
    if (level === '#') return true
    const other = innerLevels[depth]
    if (other === undefined || other === '#') return false
    if (level !== '+' && level !== other) return false
  }
  return innerLevels.length === outerLevels.length
}

/** Whether there is a topic that both filters match. */
export function filtersMeet(one: string, other: string): boolean {
  const isHidden = (filter: string, beside: string): boolean =>
    filter.startsWith('$') && /^[+#]/.test(beside)
  if (isHidden(one, other) || isHidden(other, one)) return false
  const [left, right] = [one.split('/'), other.split('/')]
  for (let depth = 0; ; depth += 1) {
    const [a, b] = [left[depth], right[depth]]
    if (a === '#' || b === '#') return true
    if (a === undefined || b === undefined) return a === b
    if (a !== b && a !== '+' && b !== '+') return false
  }
}

/** The filter behind a shared subscription's `$share/{group}/` (MQTT 5 §4.8.2), or itself. */
export function unshared(filter: string): string {
  return filter.replace(/^\$share\/[^/]+\//, '')
}
