import { runCases } from '../profile/cases.js'
import { createDialect } from '../profile/create-dialect.js'
import type { ProfileFiles } from '../profile/load.js'

const OUTCOMES = ['events', 'part', 'ignored', 'rejected', 'sensitive', 'discarded'] as const

/** The table profile x message x case, as lines: how many cases show each message doing what. */
export function coverageLines(files: ProfileFiles): readonly string[] {
  const rows = [...files.profiles.values()].flatMap(({ value: { vendor, model, firmware } }) =>
    firmware.flatMap(({ from, to, dialect }) =>
      rowsOf(files, `${vendor}/${dialect}`).map(row => [
        `${vendor}/${model} ${from}-${to}`,
        dialect,
        ...row,
      ]),
    ),
  )
  const head = ['profile', 'dialect', 'message', ...OUTCOMES]
  const all = [head, ...rows]
  const widths = head.map((_, at) => Math.max(...all.map(row => (row[at] ?? '').length)))
  return all.map(row =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

/** A message each, then the cases whose bytes were taken for none, where there are any. */
function rowsOf(files: ProfileFiles, name: string): readonly (readonly string[])[] {
  const dialect = files.dialects.get(name)?.value
  const cases = files.cases.get(name)
  if (dialect === undefined || cases === undefined) return []
  const results = runCases({ dialect: createDialect(dialect), cases })
  const messages = dialect.messages.map(({ name: message }) => message)
  const counted = (label: string, own: typeof results): readonly string[] => [
    label,
    ...OUTCOMES.map(outcome => String(own.filter(one => one.outcome === outcome).length || '')),
  ]
  const others = results.filter(result => result.messages.length === 0)
  return [
    ...messages.map(one =>
      counted(
        one,
        results.filter(result => result.messages.includes(one)),
      ),
    ),
    ...(others.length > 0 ? [counted('(no message)', others)] : []),
  ]
}
