import type { EventOf } from '../../event/event.js'
import type { InterpretingDialect } from '../../profile/dialect.js'
import type { ProfileRegistry } from '../../profile/registry.js'

/**
 * The dialect that a rejected frame is worth showing to: that of its terminal now where it is
 * known, else the newer version of the one that rejected it. Nothing where the same one did.
 */
export function newerDialect(
  registry: ProfileRegistry,
  /** `vendor/dialect@version` of each terminal. */
  spoken: ReadonlyMap<string, string>,
): (rejected: EventOf<'frame.rejected'>) => InterpretingDialect | undefined {
  return ({ terminal, profile = '' }) => {
    const id = spoken.get(terminal) ?? profile
    const dialect = registry.dialect(id.replace(/@\d+$/, ''))
    return dialect === undefined || dialect.id === profile ? undefined : dialect
  }
}
