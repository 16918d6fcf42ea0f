import { TillbridgeError } from '../core/errors.js'
import { fail, ok, type Result } from '../core/result.js'
import { examineDialect } from './lint.js'
import type { ProfileFiles } from './load.js'

/**
 * Whether the cases of every dialect of this profile pass and nothing is missing beside them. Fails
 * with TB_PROFILE_UNPROVEN and the first reason: a profile that is red would be guessing.
 */
export function provenProfile(
  files: ProfileFiles,
  name: string,
): Result<undefined, TillbridgeError> {
  const profile = files.profiles.get(name)?.value
  const dialects = new Set((profile?.firmware ?? []).map(({ dialect }) => dialect))
  for (const dialect of dialects) {
    const { cases, findings } = examineDialect(files, `${profile?.vendor}/${dialect}`)
    const failed = cases.find(({ failures }) => failures.length > 0)
    const reason = failed && `${failed.place}: ${failed.name}: ${failed.failures[0]}`
    const why = reason ?? findings[0]
    if (why !== undefined)
      return fail(new TillbridgeError('TB_PROFILE_UNPROVEN', `${name} is red: ${why}`))
  }
  return ok(undefined)
}
