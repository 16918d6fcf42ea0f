import { readTlv, type TlvElement, writeTlv } from '../../gateway/codec/tlv.js'
import { concatBytes } from '../../gateway/core/bytes.js'
import { encodeFrame, framingSchema } from '../../gateway/line/framing/catalog.js'
import type { Dialect } from '../../gateway/profile/dialect.js'
import { receipt } from './receipt.js'

const latin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1')

const STX_ETX = framingSchema.parse({ type: 'stx-etx', checksum: 'lrc' })
const LINES = framingSchema.parse({ type: 'delimited', delimiters: ['0d', '0a'] })
const CRLF = framingSchema.parse({ type: 'delimited', delimiters: '0d0a', maxFrameBytes: 256 })
const LENGTH_PREFIXED = framingSchema.parse({
  type: 'length-prefixed',
  start: '02',
  lengthBytes: 2,
  endian: 'big',
  checksum: 'CRC-16/XMODEM',
  checksumFrom: 'length',
  maxFrameBytes: 8192,
})

/** The frames of a dialect with foreign bytes at each place of a message, sound or not. */
export interface CardFrames {
  readonly profile: string
  readonly firmware: string
  /** It answers: a frame may be waited for. */
  readonly answers: boolean
  /** Undefined where the framing cannot carry these bytes there. */
  readonly frames: readonly ((form: Uint8Array) => Uint8Array | undefined)[]
  /** A message that is sold or told with these bytes in it. */
  readonly sound: (form: Uint8Array, number: number) => Uint8Array | undefined
}

function framed(framing: typeof STX_ETX, payload: Uint8Array): Uint8Array | undefined {
  try {
    return encodeFrame(framing, payload)
  } catch (thrown) {
    if (thrown instanceof RangeError) return undefined
    throw thrown
  }
}

/** Undefined where the dialect has no way to say this. */
function said(encode: () => Uint8Array): Uint8Array | undefined {
  try {
    return encode()
  } catch (thrown) {
    if (thrown instanceof RangeError) return undefined
    throw thrown
  }
}

/** The text taken apart at its separators, each piece in turn replaced. */
function piecesReplaced(message: string, separators: RegExp): CardFrames['frames'] {
  const pieces = message.split(separators)
  return pieces.flatMap((_, index) =>
    index % 2 === 1
      ? []
      : [
          (form: Uint8Array) => {
            const bytes = pieces.map((piece, at) => (at === index ? form : latin1(piece)))
            return framed(STX_ETX, concatBytes(bytes))
          },
        ],
  )
}

const textOf = (form: Uint8Array): string => Buffer.from(form).toString('latin1')

const SALE =
  'SALE|N|20261122|000017|7|20261122|184501|EUR|1|1001;Tea;1;0.45;0.45|1|C;0.45|0.00|0.45'

export function textTill(dialect: Dialect): CardFrames {
  return {
    profile: 'tillbridge/reference-till',
    firmware: '1.0',
    answers: true,
    frames: piecesReplaced(SALE, /([|;])/),
    sound: (form, number) => {
      const item = { ...{ plu: '1', quantity: '1', unitPrice: '0.45' }, amount: 45 }
      const items = [{ ...item, description: textOf(form) }]
      return said(() => dialect.encode('sale', { ...receipt(number), items }))
    },
  }
}

export function binaryTill(dialect: Dialect): CardFrames {
  const { training: _, ...values } = receipt(17)
  const sale = (number: number, description: string): Uint8Array => {
    const item = { gtin: '04006381333931', quantity: '1.000', unitPrice: '0.45', amount: 45 }
    return dialect.encode('sale', {
      ...values,
      zNumber: '0001',
      operator: '0007',
      receiptNumber: String(number).padStart(6, '0'),
      items: [{ ...item, description }],
    })
  }
  const elements = elementsOf(sale(17, 'Tea').subarray(3, -2))
  const replaced = (list: readonly TlvElement[], index: number, value: Uint8Array) =>
    list.map((element, at) => (at === index ? { ...element, value } : element))
  const written = (list: readonly TlvElement[]): Uint8Array => {
    const bytes = writeTlv(list, 'ber')
    if (!bytes.ok) throw new Error(bytes.error)
    return bytes.value
  }
  const itemAt = elements.findIndex(({ tag }) => tag === 0x20)
  const item = elementsOf(elements[itemAt]?.value ?? new Uint8Array(0))
  return {
    profile: 'tillbridge/reference-till-b',
    firmware: '2.0',
    answers: true,
    frames: [
      ...elements.map(
        (_, index) => (form: Uint8Array) =>
          framed(LENGTH_PREFIXED, written(replaced(elements, index, form))),
      ),
      ...item.map((_, index) => (form: Uint8Array) => {
        const row = written(replaced(item, index, form))
        return framed(LENGTH_PREFIXED, written(replaced(elements, itemAt, row)))
      }),
    ],
    sound: (form, number) => said(() => sale(number, textOf(form))),
  }
}

function elementsOf(bytes: Uint8Array): readonly TlvElement[] {
  const elements = readTlv(bytes, 'ber')
  if (!elements.ok) throw new Error(elements.error)
  return elements.value
}

/** Columns: what is put in covers what stood there, and runs into what follows. */
export function plainTill(dialect: Dialect): CardFrames {
  const message = 'S0701001001Coffee          000100000000045C00000045'
  return {
    profile: 'tillbridge/plain-till',
    firmware: '1.0',
    answers: true,
    frames: [1, 3, 5, 11, 27, 34, 42, 43].map(at => form => {
      const covered = concatBytes([
        latin1(message.slice(0, at)),
        form,
        latin1(message.slice(at + form.length)),
      ])
      return framed(STX_ETX, covered)
    }),
    sound: form => {
      const item = { plu: '001001', description: textOf(form), quantity: '1.000', amount: 45 }
      const sale = { operator: '07', items: [item], tender: 'cash', total: 45 }
      return said(() => dialect.encode('sale', sale))
    },
  }
}

export function scanner(): CardFrames {
  const scan = (prefix: string) => (form: Uint8Array) =>
    framed(LINES, concatBytes([latin1(prefix), form]))
  return {
    profile: 'generic/aim-scanner',
    firmware: '1',
    answers: false,
    frames: ['', ']E0', ']E4', ']C1', ']d2', ']C0', ']C110', ']C1010400638133393121'].map(scan),
    sound: form => scan(']Q1')(form),
  }
}

export function scale(): CardFrames {
  const line = (before: string, after: string) => (form: Uint8Array) =>
    framed(CRLF, concatBytes([latin1(before), form, latin1(after)]))
  return {
    profile: 'mettler-toledo/mt-sics',
    firmware: '1',
    answers: false,
    frames: [
      line('', ''),
      line('S S ', ' kg'),
      line('S S       1.00 ', ''),
      line('S D ', ' kg'),
      line('E', ''),
      line('I2 A ', ''),
    ],
    sound: line('I2 A "', '"'),
  }
}

const APPROVED =
  '0210|00|597029414300|75001089|000002|181278|2500|3|834|6590|000063|CR|||VI|14052019|111555|0|0|'

export function paymentTerminal(): CardFrames {
  const ticket = APPROVED.split('|')
  return {
    profile: 'transbank/pos',
    firmware: '1',
    answers: true,
    frames: [
      ...piecesReplaced(APPROVED, /(\|)/),
      ...piecesReplaced(APPROVED.replace('0210|00', '0210|01'), /(\|)/),
      ...piecesReplaced('0900|80|waiting', /(\|)/),
      ...piecesReplaced('1210|00|done|done', /(\|)/),
    ],
    sound: (form, number) =>
      framed(
        STX_ETX,
        concatBytes([
          latin1(`${ticket.slice(0, 4).join('|')}|`),
          form.length > 20 ? latin1('1') : form,
          latin1(`|${ticket.slice(5, 10).join('|')}|${String(number).padStart(6, '0')}|`),
          latin1(ticket.slice(11).join('|')),
        ]),
      ),
  }
}
