import { toHex } from '../../core/bytes.js'
import type { FoundFrame } from './propose-framing.js'

/** Frames that begin alike: most likely one message. */
export interface Cluster {
  readonly name: string
  /** What they begin with, in the dialect's words. */
  readonly begins: { readonly begins: string } | { readonly beginsHex: string }
  readonly layout: Readonly<Record<string, unknown>>
  readonly frames: readonly FoundFrame[]
}

const SEPARATORS = ['|', ';', ',', '\t', '\x1c', '\x1d', '~', '^'] as const
const MAX_CLUSTERS = 30
const LONGEST_MESSAGE = 4000

/** The frames by how they begin, longer beginnings first: those would be taken for shorter ones. */
export function clustersOf(frames: readonly FoundFrame[]): readonly Cluster[] {
  const texts = frames.map(textOf)
  const separator = SEPARATORS.find(
    one => texts.filter(text => text.includes(one)).length > texts.length / 2,
  )
  const groups = new Map<string, FoundFrame[]>()
  for (const [index, frame] of frames.entries()) {
    const key = beginningOf(texts[index] ?? '', separator)
    const group = groups.get(key)
    if (group !== undefined) group.push(frame)
    else if (groups.size < MAX_CLUSTERS && key !== '') groups.set(key, [frame])
  }
  return [...groups.entries()]
    .sort(([left], [right]) => right.length - left.length)
    .map(([key, group], index) => clusterOf({ key, group, index, separator }))
}

/** The first column of words, the letters in front, or the first byte. */
function beginningOf(text: string, separator: string | undefined): string {
  const [column = '', ...others] = separator === undefined ? [text] : text.split(separator)
  if (separator !== undefined && others.length > 0 && /^[A-Za-z][A-Za-z0-9-]{0,15}$/.test(column))
    return column + separator
  const [letters = ''] = /^[A-Za-z]{1,8}/.exec(text) ?? []
  return letters === '' ? text.slice(0, 1) : letters
}

function clusterOf(options: {
  readonly key: string
  readonly group: readonly FoundFrame[]
  readonly index: number
  readonly separator: string | undefined
}): Cluster {
  const { key, group, index, separator } = options
  const rests = group.map(frame => textOf(frame).slice(key.length))
  const isText = /^[ -~]+$/.test(key.replace(separator ?? '', ''))
  const word = key.toLowerCase().replace(/[^a-z0-9]+/g, '')
  const begins = isText ? { begins: key } : { beginsHex: toHex(Buffer.from(key, 'latin1')) }
  return {
    name: `message-${index + 1}${isText && word !== '' ? `-${word.slice(0, 20)}` : ''}`,
    begins,
    layout: columnsLayout(rests, separator) ?? restLayout(rests),
    frames: group,
  }
}

/** Columns between separators, each with the tightest type that holds all its values. */
function columnsLayout(
  rests: readonly string[],
  separator: string | undefined,
): Readonly<Record<string, unknown>> | undefined {
  if (separator === undefined) return undefined
  const rows = rests.map(rest => rest.split(separator))
  if (!rows.flat().every(value => /^[ -~]*$/.test(value))) return undefined
  const count = rows[0]?.length ?? 0
  if (count > 60 || !rows.every(row => row.length === count)) return undefined
  const fields = Array.from({ length: count }, (_, at) =>
    fieldFor(
      `field${at + 1}`,
      rows.map(row => row[at] ?? ''),
    ),
  )
  return { type: 'delimited', separator, fields }
}

function fieldFor(name: string, values: readonly string[]): Readonly<Record<string, unknown>> {
  const present = values.filter(value => value !== '')
  const optional = present.length < values.length ? { optional: true } : {}
  const longest = Math.max(1, ...present.map(({ length }) => length))
  if (present.length > 0 && present.every(value => /^\d+$/.test(value))) {
    const isFixed = present.every(({ length }) => length === longest)
    return { name, type: 'digits', ...(isFixed ? { length: longest } : { max: 20 }), ...optional }
  }
  if (present.length > 0 && present.every(value => /^\d{1,9}\.\d{1,4}$/.test(value)))
    return { name, type: 'decimal', ...optional }
  return { name, type: 'text', max: Math.min(400, Math.max(40, 2 * longest)), ...optional }
}

function restLayout(rests: readonly string[]): Readonly<Record<string, unknown>> {
  const longest = Math.max(...rests.map(({ length }) => length))
  const max = Math.min(LONGEST_MESSAGE, Math.max(64, 2 * longest))
  return {
    type: 'pattern',
    pattern: `(?<rest>.{0,${max}})`,
    template: '{rest}',
    fields: [{ name: 'rest', type: 'raw', max }],
  }
}

function textOf({ payload }: FoundFrame): string {
  return Buffer.from(payload).toString('latin1')
}
