import { z } from 'zod'
import { concatBytes, equalBytes } from '../../core/bytes.js'
import type { Framer } from '../../line/framing/framer.js'
import type { Link } from '../../line/link/link.js'
import type { MessageOutline, Protocol, Reading } from '../protocol.js'
import { encodeApdu } from './apdu.js'
import { ApduFramer } from './apdu-framer.js'
import { type Bmp, bcd, encodeBmps } from './bmp.js'
import { currencyNumber } from './currency.js'
import { EcrLink } from './ecr-link.js'
import { judge } from './judge.js'
import { decodeMemory, encodeMemory, NOTHING } from './memory.js'
import { MESSAGES } from './outline.js'
import { encodeSerial, SerialFramer } from './serial-framer.js'
import { TapLink } from './tap-link.js'
import { encodeTotals } from './totals.js'

const milliseconds = z.int().min(20).max(600_000)

export const zvtSchema = z.strictObject({
  type: z.literal('zvt'),
  /** `ecr`: the gateway is the terminal's till. `tap`: it overhears the till that there is. */
  role: z.enum(['ecr', 'tap']),
  line: z.enum(['serial', 'tcp']),
  /** ISO 4217, sent with every amount, and meant where nobody names one. */
  currency: z
    .string()
    .refine(code => currencyNumber(code) !== undefined, 'expected an ISO 4217 code, such as EUR')
    .default('EUR'),
  /** The terminal may add a tip: its amount counts, not the one that was asked for. */
  amountMayDiffer: z.boolean().default(false),
  /** Six digits, as the terminal's operator set them. */
  password: z
    .string()
    .regex(/^\d{6}$/, 'expected six digits, in quotes')
    .default('000000'),
  /** Registration: 08 sends what the terminal does, 10 lets the till alone enter amounts. */
  configByte: z.int().min(0).max(255).default(0x18),
  /** Serial: time to acknowledge a frame. */
  t2Ms: milliseconds.default(5000),
  /** Time to answer a command; so long, too, until a silent terminal is asked again. */
  t3Ms: milliseconds.default(5000),
  /** Time to the next word of a terminal at work. */
  t4Ms: milliseconds.default(180_000),
})

type Options = z.output<typeof zvtSchema>

/**
 * ZVT, the protocol of payment terminals in Germany, Austria and Switzerland: VdT PA00P015 13.08,
 * and PA00P016 for its transport.
 */
export class Zvt implements Protocol {
  readonly messages: readonly MessageOutline[] = MESSAGES
  readonly link: Link<unknown>
  readonly remembers = true
  readonly #options: Options

  constructor(options: Options) {
    this.#options = options
    this.link = options.role === 'ecr' ? new EcrLink(options) : new TapLink()
  }

  createFramer(): Framer {
    return this.#options.line === 'serial' ? new SerialFramer() : new ApduFramer()
  }

  read(payload: Uint8Array, remembered?: Uint8Array): Reading {
    const judgement = judge(payload, decodeMemory(remembered), this.#options)
    if (judgement.type !== 'messages') return judgement
    const memory = encodeMemory(judgement.memory)
    const before = remembered ?? encodeMemory(NOTHING)
    const { messages } = judgement
    return { type: 'messages', messages, ...(equalBytes(memory, before) ? {} : { memory }) }
  }

  isUnsettled(memory: Uint8Array | undefined): boolean {
    return decodeMemory(memory).pending !== undefined
  }

  encode(message: string, values: Readonly<Record<string, unknown>>): Uint8Array {
    const apdu = encodeApdu(apduOf(message, values))
    return this.#options.line === 'serial' ? encodeSerial(apdu) : apdu
  }
}

/** A command for `started`, `060F` for what has no values, else a status. */
function apduOf(
  message: string,
  values: Readonly<Record<string, unknown>>,
): { readonly control: string; readonly data: Uint8Array } {
  const names = MESSAGES.map(({ name }) => name)
  switch (message) {
    case 'started':
      return { control: '0601', data: encodeBmps(statusBmps(values)) }
    case 'unknown':
    case 'undecided':
    case 'repeated':
    case 'progress':
      return { control: '060F', data: new Uint8Array(0) }
    default: {
      if (!names.includes(message))
        throw new RangeError(`no message ${message}; there are ${names.join(', ')}`)
      const { resultCode = 0 } = values
      const result = { tag: 0x27, value: Uint8Array.of(Number(resultCode)) }
      return { control: '040F', data: encodeBmps([result, ...statusBmps(values)]) }
    }
  }
}

/** Fields of digits, by the names of the values that `encode` takes, and their bytes. */
const DIGITS: readonly (readonly [name: string, tag: number, bytes: number])[] = [
  ['amount', 0x04, 6],
  ['currency', 0x49, 2],
  ['traceNumber', 0x0b, 3],
  ['time', 0x0c, 3],
  ['monthDay', 0x0d, 2],
  ['terminalId', 0x29, 4],
  ['originalTrace', 0x37, 3],
  ['receiptNumber', 0x87, 2],
]

function statusBmps(values: Readonly<Record<string, unknown>>): readonly Bmp[] {
  const digits = DIGITS.flatMap(([name, tag, bytes]) => {
    const value = values[name]
    if (value === undefined) return []
    const text = name === 'currency' ? currencyNumber(String(value)) : String(value)
    return [{ tag, value: bcd(text ?? '', bytes) }]
  })
  const { maskedPan, authorisation, scheme, schemes } = values
  const texts: Bmp[] = []
  if (typeof maskedPan === 'string') texts.push({ tag: 0x22, value: panBytes(maskedPan) })
  if (typeof authorisation === 'string')
    texts.push({ tag: 0x3b, value: Buffer.from(authorisation.padEnd(8, '\0'), 'latin1') })
  if (typeof scheme === 'string')
    texts.push({ tag: 0x8b, value: concatBytes([Buffer.from(scheme, 'latin1'), Uint8Array.of(0)]) })
  if (Array.isArray(schemes)) texts.push({ tag: 0x60, value: encodeTotals(values, schemes) })
  return [...digits, ...texts]
}

function panBytes(masked: string): Uint8Array {
  const nibbles = masked.replaceAll('*', 'e')
  return Buffer.from(nibbles.length % 2 === 0 ? nibbles : `${nibbles}f`, 'hex')
}
