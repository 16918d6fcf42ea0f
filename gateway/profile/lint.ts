import { ok, type Result } from '../core/result.js'
import { type CaseResult, runCases } from './cases.js'
import { createDialect } from './create-dialect.js'
import { type AnyDialectFile, type Loaded, loadProfileFiles, type ProfileFiles } from './load.js'
import type { CasesFile } from './schema.js'

/** What a message of `tillbridge profile new` says of itself until someone has described it. */
export const SKELETON = 'it is not described yet'

/** Everything that `tillbridge profile test` says. */
export interface ProfileReport {
  readonly cases: readonly CaseResult[]
  /** What the files lack although each is valid; none in a profile that is fit to be used. */
  readonly findings: readonly string[]
}

/** As `examineProfiles`, of folders. Fails where a file does not load. */
export async function testProfiles(
  folders: readonly string[],
): Promise<Result<ProfileReport, readonly string[]>> {
  const files = await loadProfileFiles(folders)
  return files.ok ? ok(examineProfiles(files.value)) : files
}

/**
 * Runs every case, and names what is missing: a dialect without cases, a message that no case
 * shows, an event that no case shows malformed, a dialect that no firmware speaks, a source that
 * nobody named.
 */
export function examineProfiles(files: ProfileFiles): ProfileReport {
  const reports = [...files.dialects.keys()].map(name => examineDialect(files, name))
  return {
    cases: reports.flatMap(report => report.cases),
    findings: [
      ...reports.flatMap(report => report.findings),
      ...[...files.profiles.values()].flatMap(unsourced),
      ...unspoken(files),
    ],
  }
}

/** The same of one dialect: what its cases and its file have to say for it. */
export function examineDialect(files: ProfileFiles, name: string): ProfileReport {
  const dialect = files.dialects.get(name)
  if (dialect === undefined) return { cases: [], findings: [] }
  const { value, source } = dialect
  const cases = files.cases.get(name)
  const own = [...unsourced(dialect), ...undescribed(dialect)]
  if (cases === undefined) {
    const missing = `${source.file}: expected cases; write ${value.dialect}.cases.yaml beside it`
    return { cases: [], findings: [missing, ...own] }
  }
  const results = runCases({ dialect: createDialect(value), cases })
  const uncoveredOnes = uncovered(dialect, results)
  return { cases: results, findings: [...uncoveredOnes, ...own, ...unsourcedCases(cases)] }
}

/** Words that stand where a source should. */
const NO_SOURCE = /\b(todo|tbd|unknown|none)\b|write the manual/i

function unsourced({ source, value }: Loaded<{ readonly source: string }>): readonly string[] {
  if (!NO_SOURCE.test(value.source)) return []
  const { line } = source.locate(['source'])
  return [`${source.file}:${line}: source: expected who says so; write the manual and its page`]
}

function unsourcedCases({ source, value }: Loaded<CasesFile>): readonly string[] {
  return value.cases.flatMap((one, index) => {
    if (!NO_SOURCE.test(one.source)) return []
    const { line } = source.locate(['cases', index, 'source'])
    return [`${source.file}:${line}: ${one.name}: expected who says so; write its source`]
  })
}

function undescribed({ source, value }: Loaded<AnyDialectFile>): readonly string[] {
  return value.messages.flatMap(({ name, reject }, index) => {
    if (reject !== SKELETON) return []
    const { line } = source.locate(['messages', index])
    return [
      `${source.file}:${line}: message ${name}: expected what it means, it is still a skeleton`,
    ]
  })
}

function uncovered(
  { source, value }: Loaded<AnyDialectFile>,
  results: readonly CaseResult[],
): readonly string[] {
  const gathered = 'gathered' in value ? value.gathered : undefined
  const wholes = new Set((gathered ?? []).map(({ last }) => last))
  return value.messages.flatMap(({ name, event }, index) => {
    const own = results.filter(result => result.messages.includes(name))
    const isSilent = event === undefined && !wholes.has(name)
    const isShown = own.some(result => isSilent || result.outcome === 'events')
    const isShownBad = isSilent || own.some(result => result.isRefused)
    const { line } = source.locate(['messages', index])
    const place = `${source.file}:${line}: message ${name}`
    return [
      ...(isShown ? [] : [`${place}: expected a case; write one with its bytes`]),
      ...(isShownBad ? [] : [`${place}: expected a malformed case; write one that is rejected`]),
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
