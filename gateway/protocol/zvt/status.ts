import { digitsOfBcd } from '../../codec/bcd.js'
import { fail, ok, type Result } from '../../core/result.js'
import { type Bmp, bmpValue, nameOf } from './bmp.js'
import { cardTypeName } from './card-type.js'
import { maskedPan } from './pan.js'
import { type Charset, likelyCharset, textOf } from './text.js'
import { readTotals, type Totals } from './totals.js'

/** What the BMPs of a status or a command say; a field that is not there is absent. */
export interface StatusFields {
  readonly resultCode?: number
  readonly amountMinor?: number
  /** ISO 4217 as four digits: `0978`. */
  readonly currency?: string
  readonly traceNumber?: string
  readonly originalTrace?: string
  /** `HHMMSS` and `MMDD`, as the terminal says them: it sends no year. */
  readonly time?: string
  readonly monthDay?: string
  /** `YYMM`. */
  readonly expiry?: string
  readonly cardSequence?: string
  readonly terminalId?: string
  readonly contractNumber?: string
  readonly authorisation?: string
  readonly additionalText?: string
  readonly receiptNumber?: string
  readonly turnoverNumber?: string
  readonly paymentType?: number
  readonly cardType?: number
  readonly cardTypeId?: number
  readonly cardName?: string
  readonly maskedPan?: string
  readonly totals?: Totals
}

/** Tracks, and what else of a card may not be kept even for a moment (PCI DSS 3.3.1). */
const SENSITIVE: ReadonlyMap<number, string> = new Map([
  [0x23, 'track 2'],
  [0x24, 'track 3'],
  [0x2d, 'track 1'],
  [0x3a, 'card verification value'],
  [0xd1, 'PIN data'],
])

/** A receipt number of FF FF is none. */
const NO_RECEIPT = 'ffff'

/** What may not be kept of these fields. */
export function sensitiveBmp(bmps: readonly Bmp[]): string | undefined {
  const found = bmps.find(({ tag, value }) => SENSITIVE.has(tag) && value.length > 0)
  return found === undefined ? undefined : SENSITIVE.get(found.tag)
}

/** Fails where a field of digits holds something else, or a field that counts comes twice. */
export function readStatus(bmps: readonly Bmp[], charset?: Charset): Result<StatusFields, string> {
  const tags = bmps.map(({ tag }) => tag)
  const twice = tags.find((tag, index) => tag !== 0x06 && tags.indexOf(tag) < index)
  if (twice !== undefined) return fail(`${nameOf(twice)} comes twice`)
  const reader = new FieldReader(bmps, charset)
  const receipt = bmpValue(bmps, 0x87)
  const hasReceipt = receipt !== undefined && Buffer.from(receipt).toString('hex') !== NO_RECEIPT
  const amount = reader.digits(0x04)
  const fields = {
    resultCode: reader.byte(0x27),
    amountMinor: amount === undefined ? undefined : Number(amount),
    currency: reader.digits(0x49),
    traceNumber: reader.digits(0x0b),
    originalTrace: reader.digits(0x37),
    time: reader.digits(0x0c),
    monthDay: reader.digits(0x0d),
    expiry: reader.digits(0x0e),
    cardSequence: reader.digits(0x17),
    terminalId: reader.digits(0x29),
    contractNumber: reader.text(0x2a),
    authorisation: reader.text(0x3b),
    additionalText: reader.text(0x3c),
    receiptNumber: hasReceipt ? reader.digits(0x87) : undefined,
    turnoverNumber: reader.digits(0x88),
    paymentType: reader.byte(0x19),
    cardType: reader.byte(0x8a),
    cardTypeId: reader.byte(0x8c),
    cardName: reader.text(0x8b),
    // An EF_ID may stand there instead, which is no number of a card.
    maskedPan: maskedPan(bmpValue(bmps, 0x22) ?? new Uint8Array(0)),
    totals: reader.as(0x60, readTotals),
  }
  return reader.failure === undefined ? ok(withValues(fields)) : fail(reader.failure)
}

/** The scheme as the terminal names it, or as its card type is called. */
export function schemeOf({ cardName, cardType }: StatusFields): string | undefined {
  if (cardName !== undefined && cardName !== '') return cardName
  return cardType === undefined ? undefined : cardTypeName(cardType)
}

class FieldReader {
  readonly #bmps: readonly Bmp[]
  readonly #charset: Charset | undefined
  #failure: string | undefined

  constructor(bmps: readonly Bmp[], charset: Charset | undefined) {
    this.#bmps = bmps
    this.#charset = charset
  }

  get failure(): string | undefined {
    return this.#failure
  }

  byte(tag: number): number | undefined {
    return bmpValue(this.#bmps, tag)?.[0]
  }

  digits(tag: number): string | undefined {
    return this.as(tag, value => {
      const digits = digitsOfBcd(value)
      return digits.ok ? digits.value : undefined
    })
  }

  text(tag: number): string | undefined {
    return this.as(tag, value => {
      const text = textOf(value, this.#charset ?? likelyCharset(value))
      return text.replace(/\0.*$/s, '')
    })
  }

  /** A field that is there and cannot be read is a failure. */
  as<Value>(tag: number, read: (value: Uint8Array) => Value | undefined): Value | undefined {
    const value = bmpValue(this.#bmps, tag)
    if (value === undefined || value.length === 0) return undefined
    const found = read(value)
    if (found === undefined) this.#failure ??= `${nameOf(tag)} cannot be read`
    return found
  }
}

type Present<Fields> = { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> }

function withValues<Fields extends object>(fields: Fields): Present<Fields> {
  const present = Object.entries(fields).filter(([, value]) => value !== undefined)
  // Only members without a value were left out.
  return Object.fromEntries(present) as Present<Fields>
}
