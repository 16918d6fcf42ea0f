import { ok, type Result } from '../core/result.js'
import { type CaseResult, runCases } from './cases.js'
import { createDialect } from './create-dialect.js'
import { type AnyDialectFile, loadProfileFiles, type ProfileFiles } from './load.js'

/** Everything that `tillbridge profile test` says. */
export interface ProfileReport {
  readonly cases: readonly CaseResult[]
  /** What the files lack although each is valid; none in a profile that is fit to be used. */
  readonly findings: readonly string[]
}

/**
 * Loads the folders, runs every case, and names what is missing: a dialect without cases, a message
 * that no case shows, an event that no case shows malformed, a dialect that no firmware speaks.
 * Fails where a file does not load.
 */
export async function testProfiles(
  folders: readonly string[],
): Promise<Result<ProfileReport, readonly string[]>> {
  const files = await loadProfileFiles(folders)
  if (!files.ok) return files
  const reports = [...files.value.dialects.entries()].map(([name, { value, source }]) => {
    const cases = files.value.cases.get(name)
    if (cases === undefined)
      return {
        cases: [],
        findings: [`${source.file}: expected cases; write ${value.dialect}.cases.yaml beside it`],
      }
    const results = runCases({ dialect: createDialect(value), cases })
    return { cases: results, findings: uncovered({ dialect: value, results, file: source.file }) }
  })
  return ok({
    cases: reports.flatMap(report => report.cases),
    findings: [...reports.flatMap(report => report.findings), ...unspoken(files.value)],
  })
}

function uncovered(options: {
  readonly dialect: AnyDialectFile
  readonly results: readonly CaseResult[]
  readonly file: string
}): readonly string[] {
  const { dialect, results, file } = options
  const gathered = 'gathered' in dialect ? dialect.gathered : undefined
  const wholes = new Set((gathered ?? []).map(({ last }) => last))
  return dialect.messages.flatMap(({ name, event }) => {
    const own = results.filter(result => result.messages.includes(name))
    const isSilent = event === undefined && !wholes.has(name)
    const isShown = own.some(result => isSilent || result.outcome === 'events')
    const isShownBad = isSilent || own.some(result => result.isRefused)
    return [
      ...(isShown ? [] : [`${file}: message ${name}: expected a case; write one with its bytes`]),
      ...(isShownBad
        ? []
        : [`${file}: message ${name}: expected a malformed case; write one that is rejected`]),
    ]
  })
}

function unspoken(files: ProfileFiles): readonly string[] {
  const spoken = new Set(
    [...files.profiles.values()].flatMap(({ value }) =>
      value.firmware.map(range => `${value.vendor}/${range.dialect}`),
    ),
  )
  return [...files.dialects.entries()]
    .filter(([name]) => !spoken.has(name))
    .map(
      ([, { source }]) =>
        `${source.file}: expected a profile that names this dialect; write a firmware range`,
    )
}
