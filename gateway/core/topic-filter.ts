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

/** The filter behind a shared subscription's `$share/{group}/` (MQTT 5 §4.8.2), or itself. */
export function unshared(filter: string): string {
  return filter.replace(/^\$share\/[^/]+\//, '')
}
