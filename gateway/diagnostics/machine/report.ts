import type { Finding } from './check.js'

/** The findings as a table for people: one line each, what to do below it. */
export function reportLines(findings: readonly Finding[]): readonly string[] {
  const width = Math.max(0, ...findings.map(({ name }) => name.length))
  return findings.flatMap(finding => {
    const line = `${finding.state.padEnd(4)}  ${finding.name.padEnd(width)}  ${finding.found}`
    if (finding.state === 'ok') return [line]
    return [line, `${' '.repeat(width + 8)}${finding.doThis}`]
  })
}
