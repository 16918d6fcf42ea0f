import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { parseSync, visitorKeys } from 'oxc-parser'

/** A node of the syntax tree, as far as the rules look at it. */
export interface SyntaxNode {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly name?: unknown
  readonly value?: unknown
  readonly source?: unknown
  readonly expression?: unknown
  readonly specifiers?: unknown
  readonly imported?: unknown
  readonly exported?: unknown
  readonly callee?: unknown
  readonly arguments?: unknown
  readonly object?: unknown
  readonly property?: unknown
  readonly computed?: unknown
  readonly shorthand?: unknown
  readonly id?: unknown
  readonly init?: unknown
  readonly properties?: unknown
  readonly key?: unknown
}

export interface SourceImport {
  /** `core/ids.ts` for a file of ours; the package or built-in module otherwise. */
  readonly target: string
  readonly ours: boolean
  readonly line: number
}

export interface SourceFile {
  /** Below the root of the tree, with forward slashes. */
  readonly path: string
  readonly lines: readonly string[]
  readonly nodes: readonly PlacedNode[]
  readonly imports: readonly SourceImport[]
}

/** A node, where its parent keeps it, and the line it begins on. */
export interface PlacedNode {
  readonly node: SyntaxNode
  readonly parent: SyntaxNode | undefined
  readonly key: string
  readonly line: number
  readonly lastLine: number
}

/** `path:line: what is wrong and what to do`. */
export type Violation = string

export type Rule = (tree: readonly SourceFile[]) => readonly Violation[]

/** Every TypeScript file below a folder, parsed. @throws Error where one does not parse. */
export function readTree(root: string): readonly SourceFile[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter(name => /\.[cm]?ts$/.test(name))
    .sort()
    .map(name => parseFile(name, readFileSync(join(root, name), 'utf8')))
}

function parseFile(path: string, text: string): SourceFile {
  const parsed = parseSync(path, text)
  const [mistake] = parsed.errors
  if (mistake !== undefined) throw new Error(`${path}: ${mistake.message}`)
  const nodes = placeNodes(parsed.program, text)
  return { path, lines: text.split('\n'), nodes, imports: importsOf(path, nodes) }
}

function placeNodes(program: unknown, text: string): readonly PlacedNode[] {
  const lineStarts = [0, ...[...text.matchAll(/\n/g)].map(match => match.index + 1)]
  const lineAt = (offset: number): number => {
    const next = lineStarts.findIndex(start => start > offset)
    return next < 0 ? lineStarts.length : next
  }
  const placed: PlacedNode[] = []
  const visit = (value: unknown, parent: SyntaxNode | undefined, key: string): void => {
    if (Array.isArray(value)) for (const item of value) visit(item, parent, key)
    if (!isNode(value)) return
    const [line, lastLine] = [lineAt(value.start), lineAt(value.end)]
    placed.push({ node: value, parent, key, line, lastLine })
    for (const child of visitorKeys[value.type] ?? [])
      visit(Reflect.get(value, child), value, child)
  }
  visit(program, undefined, '')
  return placed
}

export function isNode(value: unknown): value is SyntaxNode {
  return (
    typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
  )
}

/** Static, type-only, re-exporting, dynamic, `import('x').Type` and `import x = require()`. */
const IMPORTING = new Set([
  'ImportDeclaration',
  'ExportNamedDeclaration',
  'ExportAllDeclaration',
  'ImportExpression',
  'TSImportType',
  'TSExternalModuleReference',
])

function importsOf(path: string, nodes: readonly PlacedNode[]): readonly SourceImport[] {
  return nodes.flatMap(({ node, line }): readonly SourceImport[] => {
    if (!IMPORTING.has(node.type)) return []
    const source = node.source ?? node.expression
    if (!isNode(source)) return []
    const name = source.value
    // A computed path cannot be held against the table, so nobody may import it.
    if (typeof name !== 'string') return [{ target: '(computed)', ours: true, line }]
    if (!name.startsWith('.')) return [{ target: name, ours: false, line }]
    const target = posix.join(posix.dirname(path), name).replace(/\.(c|m)?js$/, '.$1ts')
    return [{ target, ours: true, line }]
  })
}
