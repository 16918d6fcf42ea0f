import {
  type Document,
  isCollection,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  parseDocument,
} from 'yaml'
import type { ZodType } from 'zod'
import { LIMITS } from './limits.js'
import { fail, ok, type Result } from './result.js'
import { adviseOn } from './yaml-advice.js'

export type YamlPath = readonly (string | number)[]

/** Both count from 1, as editors do. */
export interface YamlPosition {
  /** Where that is another file than the source's own: a value that was put over it. */
  readonly file?: string
  readonly line: number
  readonly column: number
}

/** A YAML file as read: its value, and where each part of it stands. */
export interface YamlSource {
  readonly file: string
  readonly value: unknown
  /** Where the value at `path` begins; the nearest part around it where there is none. */
  locate(path: YamlPath): YamlPosition
  /** Where the key that `path` ends in stands; as `locate` for items of a list. */
  locateKey(path: YamlPath): YamlPosition
  /** The value at `path` as it is spelt in the file, where it is a plain one. */
  spelling(path: YamlPath): string | undefined
}

/** Reads YAML 1.2: one document, no duplicate keys. Failures read `file:line:column: …`. */
export function parseYaml(options: {
  readonly file: string
  readonly text: string
}): Result<YamlSource, readonly string[]> {
  const { file, text } = options
  if (text.length > LIMITS.yamlCharacters)
    return fail([
      `${file}:1:1: expected at most ${LIMITS.yamlCharacters} characters; write several files`,
    ])
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  // The first one alone: what the parser says behind it mostly follows from it, a line a token.
  const [error] = document.errors
  if (error) {
    const { line, col } = lines.linePos(error.pos[0])
    return fail([
      `${file}:${line}:${col}: expected YAML: ${error.message}; write it as YAML 1.2 says`,
    ])
  }
  try {
    const value: unknown = document.toJS({ maxAliasCount: 100 })
    return ok(sourceOf({ file, value, document, lines }))
  } catch (thrown) {
    // The one thing that fails here: aliases that expand to more than the limit.
    const reason = thrown instanceof Error ? thrown.message : 'unreadable'
    return fail([`${file}:1:1: expected few aliases (${reason}); write the values out`])
  }
}

/**
 * `value`, which was read from `source` and perhaps changed in places, checked by `schema`. Each
 * failure names the place, what was expected and what to write, in the order of the file:
 * `shop.yaml:4:11: terminals.0.baudRate: expected …; write …`.
 * An issue that a schema's own refinement adds stands as the refinement worded it.
 */
export function validateYaml<Value>(options: {
  readonly source: YamlSource
  readonly value: unknown
  readonly schema: ZodType<Value>
}): Result<Value, readonly string[]> {
  const { source, value, schema } = options
  const parsed = schema.safeParse(value)
  if (parsed.success) return ok(parsed.data)
  const advice = adviseOn({
    issues: parsed.error.issues,
    schema,
    value,
    spelling: path => source.spelling(path),
  })
  const placed = advice.map(({ path, at, text }) => {
    const place = at === 'key' ? source.locateKey(path) : source.locate(path)
    return { place, line: describeAt({ source, place, path, text }) }
  })
  return fail(placed.sort((a, b) => a.place.line - b.place.line).map(({ line }) => line))
}

/** One line for an operator: `file:line:column: path: text`. */
export function describeAt(options: {
  readonly source: YamlSource
  readonly place: YamlPosition
  readonly path: YamlPath
  readonly text: string
}): string {
  const { source, place, path, text } = options
  const where = path.length === 0 ? '' : `${path.join('.')}: `
  return `${place.file ?? source.file}:${place.line}:${place.column}: ${where}${text}`
}

function sourceOf(options: {
  readonly file: string
  readonly value: unknown
  readonly document: Document
  readonly lines: LineCounter
}): YamlSource {
  const { file, value, document, lines } = options
  const position = (offset: number): YamlPosition => {
    const { line, col } = lines.linePos(offset)
    return { line, column: col }
  }
  const locate = (path: YamlPath): YamlPosition => {
    for (let length = path.length; length >= 0; length -= 1) {
      const offset = offsetOf(nodeAt(document, path.slice(0, length)))
      if (offset !== undefined) return position(offset)
    }
    return { line: 1, column: 1 }
  }
  const locateKey = (path: YamlPath): YamlPosition => {
    const parent = nodeAt(document, path.slice(0, -1))
    const pair = isMap(parent)
      ? parent.items.find(item => isScalar(item.key) && String(item.key.value) === `${path.at(-1)}`)
      : undefined
    const offset = offsetOf(pair?.key)
    return offset === undefined ? locate(path) : position(offset)
  }
  const spelling = (path: YamlPath): string | undefined => {
    const node = nodeAt(document, path)
    return isScalar(node) ? node.source : undefined
  }
  return { file, value, locate, locateKey, spelling }
}

function nodeAt(document: Document, path: YamlPath): unknown {
  if (path.length === 0) return document.contents
  return isCollection(document.contents) ? document.contents.getIn(path, true) : undefined
}

function offsetOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined
}
