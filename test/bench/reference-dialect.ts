import type { Dialect } from '../../gateway/profile/dialect.js'
import { loadRegistry } from '../../gateway/profile/registry.js'

export async function referenceDialect(): Promise<Dialect> {
  const registry = await loadRegistry({ extraFolders: [] })
  if (!registry.ok) throw new Error(registry.error.join('\n'))
  const found = registry.value.dialectOf({ profile: 'tillbridge/reference-till', firmware: '1.0' })
  if (!found.ok) throw found.error
  return found.value
}
