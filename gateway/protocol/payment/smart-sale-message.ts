import { readDate, readTime } from '../../codec/date.js'
import { ByteReader, concatBytes } from '../../core/bytes.js'
import { fail, ok, type Result } from '../../core/result.js'
import type { Joined } from '../../line/link/blocks.js'
import { smartSaleFrames } from './smart-sale-framer.js'

/** Values by their tag; the first of a tag counts. */
export type SmartSaleFields = ReadonlyMap<number, Uint8Array>

const MAX_FIELDS = 100

/** Tag, length (low byte first), value. */
export function readSmartSale(bytes: Uint8Array): Result<SmartSaleFields, string> {
  const fields = new Map<number, Uint8Array>()
  const reader = new ByteReader(bytes)
  try {
    while (reader.remaining > 0 && fields.size < MAX_FIELDS) {
      const tag = reader.uintBE(1)
      const value = reader.take(reader.uintLE(2))
      if (!fields.has(tag)) fields.set(tag, value)
    }
  } catch (thrown) {
    if (thrown instanceof RangeError) return fail('a field ends beyond the message')
    throw thrown
  }
  return reader.remaining === 0 ? ok(fields) : fail(`more than ${MAX_FIELDS} fields`)
}

/** Of the header before the data of a block. */
const BLOCK_NUMBER = 0x02

/** A block: its number (0: the last one) and its data. */
export function readBlock(
  data: Uint8Array,
): Result<{ readonly number: number; readonly data: Uint8Array }, string> {
  if (data.length < 2) return fail('shorter than its header')
  const length = new ByteReader(data).uintLE(2)
  if (data.length < 2 + length) return fail('shorter than its header')
  const header = readSmartSale(data.subarray(2, 2 + length))
  if (!header.ok) return header
  const number = smartSaleText(header.value, BLOCK_NUMBER) ?? ''
  if (!/^\d{1,3}$/.test(number)) return fail('a block without a number')
  return ok({ number: Number(number), data: data.subarray(2 + length) })
}

export function joinSmartSale(held: readonly Uint8Array[], payload: Uint8Array): Joined {
  const frames = smartSaleFrames(payload)
  const [frame] = frames.ok ? frames.value : []
  if (frame?.isBlock !== true) return frame !== undefined && held.length === 0 ? 'whole' : 'misfit'
  const block = readBlock(frame.data)
  if (!block.ok) return 'misfit'
  if (block.value.number === 0) return 'whole'
  return block.value.number === held.length + 1 ? 'part' : 'misfit'
}

/** What the blocks of one message hold together, numbered from 1 and the last one 0. */
export function wholeSmartSale(payload: Uint8Array): Result<Uint8Array, string> {
  const frames = smartSaleFrames(payload)
  if (!frames.ok) return frames
  const [first, ...others] = frames.value
  if (first !== undefined && !first.isBlock && others.length === 0) return ok(first.data)
  const parts: Uint8Array[] = []
  for (const [index, frame] of frames.value.entries()) {
    const block = readBlock(frame.data)
    if (!block.ok) return block
    const isLast = index === frames.value.length - 1
    if (!frame.isBlock || block.value.number !== (isLast ? 0 : index + 1))
      return fail('expected all blocks of one message')
    parts.push(block.value.data)
  }
  return parts.length > 0 ? ok(concatBytes(parts)) : fail('an empty message')
}

const CP1251 = new TextDecoder('windows-1251')

export function smartSaleText(fields: SmartSaleFields, tag: number): string | undefined {
  const value = fields.get(tag)
  return value === undefined ? undefined : CP1251.decode(value)
}

export interface Moment {
  readonly date: string
  readonly time: string
}

/** `YYYYMMDDHHMMSS`. */
export function readMoment(text: string | undefined): Moment | undefined {
  const date = readDate(text?.slice(0, 8) ?? '', 'YYYYMMDD')
  const time = readTime(text?.slice(8) ?? '', 'HHMMSS')
  return date.ok && time.ok ? { date: date.value, time: time.value } : undefined
}

export function writeSmartSale(fields: Iterable<readonly [number, string]>): Uint8Array {
  return concatBytes(
    [...fields].flatMap(([tag, text]) => {
      const value = Buffer.from(text, 'latin1')
      return [Uint8Array.of(tag, value.length & 0xff, value.length >>> 8), value]
    }),
  )
}
