import { fail, ok, type Result } from '../../core/result.js'
import type { EventOf } from '../../event/event.js'
import type { InterpretingDialect } from '../../profile/dialect.js'
import type { ProfileRegistry } from '../../profile/registry.js'

/**
 * The dialect that a rejected frame is worth showing to: that of its terminal now where it is
 * known, else the newer version of the one that rejected it. Or why there is none.
 */
export function newerDialect(
  registry: ProfileRegistry,
  /** `vendor/dialect@version` of each terminal. */
  spoken: ReadonlyMap<string, string>,
): (rejected: EventOf<'frame.rejected'>) => Result<InterpretingDialect, string> {
  return ({ terminal, profile = '' }) => {
    const id = spoken.get(terminal) ?? profile
    const dialect = registry.dialect(id.replace(/@\d+$/, ''))
    if (dialect === undefined) return fail(`no dialect ${id} is there any more`)
    return dialect.id === profile
      ? fail(`${id} rejected them; increase its \`version\` where it reads them now`)
      : ok(dialect)
  }
}
