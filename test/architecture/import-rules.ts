import { JUDGE, mayImport, roomOf } from './import-table.js'
import type { Rule, SourceFile, Violation } from './source-tree.js'

/** Imports go only where the table of the architecture allows. */
export const importTable: Rule = tree => tree.flatMap(file => [...misplaced(file), ...strays(file)])

function misplaced(file: SourceFile): readonly Violation[] {
  if (roomOf(file.path) !== undefined) return []
  return [`${file.path}:1: stands in no room of the import table`]
}

function strays(file: SourceFile): readonly Violation[] {
  const from = roomOf(file.path)
  return file.imports.flatMap(({ target, ours, line }) => {
    const to = ours ? roomOf(target) : undefined
    if (!ours || (from !== undefined && to !== undefined && mayImport(from, to))) return []
    return [`${file.path}:${line}: ${from} may not import ${target}`]
  })
}

/** No file reaches itself through its imports, type-only ones included. */
export const noCycles: Rule = tree => {
  const importsOf = new Map(
    tree.map(file => [file.path, file.imports.filter(({ ours }) => ours).map(i => i.target)]),
  )
  const done = new Set<string>()
  const cycles: Violation[] = []
  const visit = (path: string, trail: readonly string[]): void => {
    const seenAt = trail.indexOf(path)
    if (seenAt >= 0) cycles.push(`${path}:1: cycle ${[...trail.slice(seenAt), path].join(' > ')}`)
    if (seenAt >= 0 || done.has(path)) return
    for (const target of importsOf.get(path) ?? []) visit(target, [...trail, path])
    done.add(path)
  }
  for (const path of importsOf.keys()) visit(path, [])
  return cycles
}

/** The judge imports nothing of ours but itself. */
export const independentChecker: Rule = tree =>
  tree
    .filter(file => JUDGE.includes(file.path))
    .flatMap(file =>
      file.imports
        .filter(({ target, ours }) => ours && !JUDGE.includes(target))
        .map(({ target, line }) => `${file.path}:${line}: must not share ${target}`),
    )
