import { DATE_FORMATS, readDate, readTime, TIME_FORMATS } from '../../codec/date.js'
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
  const separator = separatorOf(texts)
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

/** What parts most of these texts, and comes first in most of them. */
function separatorOf(texts: readonly string[]): string | undefined {
  const firsts = texts.flatMap(text =>
    SEPARATORS.filter(one => text.includes(one))
      .sort((left, right) => text.indexOf(left) - text.indexOf(right))
      .slice(0, 1),
  )
  const count = (one: string): number => firsts.filter(first => first === one).length
  const [best] = SEPARATORS.toSorted((left, right) => count(right) - count(left))
  return best !== undefined && count(best) > texts.length / 2 ? best : undefined
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
  if (!rows.flat().every(value => /^[ -~\xa0-\xff]*$/.test(value))) return undefined
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
  if (present.length > 0 && present.every(value => /^\d{1,9},\d{1,4}$/.test(value)))
    return { name, type: 'decimal', decimals: '1234,50', ...optional }
  const day = DATE_FORMATS.find(format => isMarked(format) && present.every(isDay(format)))
  if (present.length > 0 && day !== undefined)
    return { name, type: 'date', format: day, ...optional }
  const time = TIME_FORMATS.find(format => isMarked(format) && present.every(isTime(format)))
  if (present.length > 0 && time !== undefined)
    return { name, type: 'time', format: time, ...optional }
  return { name, type: 'text', max: Math.min(400, Math.max(40, 2 * longest)), ...optional }
}

/** Digits alone may be anything, and days between slashes stand before or behind their month. */
function isMarked(format: string): boolean {
  return /[^A-Z/]/.test(format)
}

function isDay(format: (typeof DATE_FORMATS)[number]): (value: string) => boolean {
  return value => readDate(value, format).ok
}

function isTime(format: (typeof TIME_FORMATS)[number]): (value: string) => boolean {
  return value => readTime(value, format).ok
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
