import { bcdOfDigits, digitsOfBcd } from '../../codec/bcd.js'
import { readDate, readTime } from '../../codec/date.js'
import { ByteReader, concatBytes } from '../../core/bytes.js'
import { fail, ok, type Result } from '../../core/result.js'
import { createFramer, encodeFrame, framingSchema } from '../../line/framing/catalog.js'
import type { Framer } from '../../line/framing/framer.js'

/** STX, length of the data in BCD, data, ETX, LRC from the length to the ETX. */
const EDC_FRAMING = framingSchema.parse({
  type: 'length-prefixed',
  start: '02',
  lengthBytes: 2,
  encoding: 'bcd',
  checksum: 'lrc',
  checksumFrom: 'length',
  end: '03',
  controls: '0615',
  maxFrameBytes: 4096,
})

const FS = 0x1c
const HEADERS = /^(\d\d)(\d{4})(\d{4})(\d)([01])([0-9A-Z]{2})([0-9A-Z]{2})(\d)$/
const HEADER_BYTES = 17

/** A message of the EDC protocols of South-East Asia, its fields by their type. */
export interface EdcMessage {
  readonly transport: {
    readonly type: string
    readonly destination: string
    readonly source: string
  }
  readonly version: string
  /** 0: a request. */
  readonly requestIndicator: string
  /** 20 sale, 26 void, 50 settlement, 70 sale by QR code. */
  readonly transaction: string
  readonly responseCode: string
  /** 1: a further message belongs to it. */
  readonly more: string
  readonly fields: ReadonlyMap<string, string>
}

export const EDC_FIELD = {
  authorisationCode: '01',
  text: '02',
  date: '03',
  time: '04',
  terminalId: '16',
  card: '30',
  amount: '40',
  invoice: '65',
  cardScheme: 'D2',
  reference: 'D3',
} as const

/** Expiry date and name of who holds the card: read, and not given to anyone. */
const PERSONAL: ReadonlySet<string> = new Set(['31', 'D5'])

export function createEdcFramer(): Framer {
  return createFramer(EDC_FRAMING)
}

export function readEdc(payload: Uint8Array): Result<EdcMessage, string> {
  const headers = HEADERS.exec(Buffer.from(payload.subarray(0, HEADER_BYTES)).toString('latin1'))
  if (headers === null) return fail('expected transport and presentation header')
  const [, type = '', destination = '', source = ''] = headers
  const [version = '', requestIndicator = '', transaction = '', responseCode = '', more = ''] =
    headers.slice(4)
  const fields = readFields(payload.subarray(HEADER_BYTES))
  if (!fields.ok) return fields
  return ok({
    transport: { type, destination, source },
    version,
    requestIndicator,
    transaction,
    responseCode,
    more,
    fields: fields.value,
  })
}

/** Each FS, type, length, value; and one more FS behind the last. */
function readFields(bytes: Uint8Array): Result<ReadonlyMap<string, string>, string> {
  const fields = new Map<string, string>()
  const reader = new ByteReader(bytes)
  try {
    while (reader.remaining > 0) {
      if (reader.uintBE(1) !== FS) return fail('expected a separator between the fields')
      if (reader.remaining === 0) break
      const type = Buffer.from(reader.take(2)).toString('latin1')
      const length = digitsOfBcd(reader.take(2))
      if (!length.ok) return fail(`field ${type}: ${length.error}`)
      const value = Buffer.from(reader.take(Number(length.value))).toString('latin1')
      if (fields.has(type)) return fail(`field ${type} stands twice`)
      if (!PERSONAL.has(type)) fields.set(type, value)
    }
  } catch (thrown) {
    if (thrown instanceof RangeError) return fail('a field ends beyond the message')
    throw thrown
  }
  return ok(fields)
}

/** The payload as it stands in its frame. */
export function edcFrame(payload: Uint8Array): Uint8Array {
  return encodeFrame(EDC_FRAMING, payload)
}

/** @throws RangeError where a part does not fit. */
export function writeEdc(message: EdcMessage): Uint8Array {
  const { transport, version, requestIndicator, transaction, responseCode, more } = message
  const headers =
    `${transport.type}${transport.destination}${transport.source}` +
    `${version}${requestIndicator}${transaction}${responseCode}${more}`
  if (!HEADERS.test(headers)) throw new RangeError('header: expected codes of fixed length')
  const fields = [...message.fields].flatMap(([type, value]) => [
    Buffer.from(type, 'latin1'),
    bcdLength(value.length),
    Buffer.from(value, 'latin1'),
    Uint8Array.of(FS),
  ])
  return concatBytes([Buffer.from(headers, 'latin1'), Uint8Array.of(FS), ...fields])
}

function bcdLength(length: number): Uint8Array {
  const bytes = bcdOfDigits(String(length), 2)
  if (!bytes.ok) throw new RangeError(`length: ${bytes.error}`)
  return bytes.value
}

/** Day and time as the terminal says them. */
export function edcMoment(fields: ReadonlyMap<string, string>): {
  readonly date: string | undefined
  readonly time: string | undefined
} {
  const date = readDate(fields.get(EDC_FIELD.date) ?? '', 'YYMMDD')
  const time = readTime(fields.get(EDC_FIELD.time) ?? '', 'HHMMSS')
  return date.ok && time.ok
    ? { date: date.value, time: time.value }
    : { date: undefined, time: undefined }
}
