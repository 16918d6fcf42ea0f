import { currencyOfNumber } from '../../codec/currency-number.js'
import { currencyPlaces } from '../../core/money.js'
import type { MessageOutline, ProtocolFields, ProtocolRow, ProtocolValue } from '../protocol.js'
import {
  type AuditSet,
  counterOf,
  fieldOf,
  isNotAvailable,
  isSound,
  type Segment,
} from './eva-dts.js'

/** How money is meant where the machine does not say so itself, in ID4. */
export interface AuditMoney {
  readonly currency?: string
  readonly decimals?: number
}

const TENDERS = { CA: 'cash', DA: 'cashless-1', DB: 'cashless-2', TA: 'token' } as const

/** Counters since initialisation: what was since the last reset may have been reset by anyone. */
export const AUDIT: MessageOutline = {
  name: 'audit',
  fields: [
    { name: 'serial', type: 'text', optional: true },
    { name: 'model', type: 'text', optional: true },
    { name: 'location', type: 'text', optional: true },
    { name: 'asset', type: 'text', optional: true },
    { name: 'currency', type: 'text' },
    { name: 'machineTime', type: 'text', optional: true },
    { name: 'paidVends', type: 'integer', optional: true },
    { name: 'paid', type: 'amount', optional: true },
    { name: 'testVends', type: 'integer', optional: true },
    { name: 'test', type: 'amount', optional: true },
    { name: 'freeVends', type: 'integer', optional: true },
    { name: 'free', type: 'amount', optional: true },
    { name: 'cashIn', type: 'amount', optional: true },
    { name: 'cashToBox', type: 'amount', optional: true },
    { name: 'billsIn', type: 'amount', optional: true },
    { name: 'cashOut', type: 'amount', optional: true },
    { name: 'cashFilled', type: 'amount', optional: true },
    { name: 'tubes', type: 'amount', optional: true },
    { name: 'powerOutages', type: 'integer', optional: true },
    { name: 'tendersAddUp', type: 'flag', optional: true },
    { name: 'segmentsAddUp', type: 'flag', optional: true },
  ],
  groups: {
    tenders: [
      { name: 'tender', type: 'text' },
      { name: 'vends', type: 'integer', optional: true },
      { name: 'amount', type: 'amount', optional: true },
    ],
    products: [
      { name: 'selection', type: 'text' },
      { name: 'name', type: 'text', optional: true },
      { name: 'price', type: 'amount', optional: true },
      { name: 'vends', type: 'integer', optional: true },
      { name: 'amount', type: 'amount', optional: true },
    ],
    productTenders: [
      { name: 'selection', type: 'text' },
      { name: 'tender', type: 'text' },
      { name: 'priceList', type: 'text' },
      { name: 'price', type: 'amount', optional: true },
      { name: 'vends', type: 'integer', optional: true },
      { name: 'amount', type: 'amount', optional: true },
    ],
  },
}

/**
 * What an audit says. @throws RangeError naming segment and field, or why it cannot be trusted:
 * a wrong or missing G85, no currency, an amount that the currency cannot express.
 */
export function auditFields(set: AuditSet, money: AuditMoney): ProtocolFields {
  if (set.g85.printed === undefined) throw new RangeError('G85: expected a checksum')
  if (!isSound(set)) throw new RangeError('G85: expected the CRC of the segments before it')
  const reader = new AuditReader(set, money)
  const { printed, counted } = set.count
  const tenders = reader.tenders()
  const paid = reader.amount('VA1', 1)
  const isComplete = tenders.length > 0 && tenders.every(({ amount }) => amount !== undefined)
  const tendered = tenders.reduce((sum, { amount }) => sum + Number(amount), 0)
  return defined({
    ...reader.identity(),
    currency: reader.currency,
    paidVends: reader.count('VA1', 2),
    paid,
    testVends: reader.count('VA2', 2),
    test: reader.amount('VA2', 1),
    freeVends: reader.count('VA3', 2),
    free: reader.amount('VA3', 1),
    cashIn: reader.amount('CA3', 5),
    cashToBox: reader.amount('CA3', 6),
    // CA308 counts whole bills on some machines, and cents on others.
    billsIn: reader.amount('CA3', 10),
    cashOut: reader.amount('CA4', 3),
    cashFilled: reader.amount('CA10', 2),
    tubes: reader.tubes(),
    powerOutages: reader.count('EA7', 2),
    tendersAddUp: paid === undefined || !isComplete ? undefined : tendered === paid,
    segmentsAddUp: printed === undefined ? undefined : printed === counted,
    tenders,
    products: reader.products(),
    productTenders: reader.productTenders(),
  })
}

class AuditReader {
  readonly currency: string
  readonly #segments: readonly Segment[]
  readonly #decimals: number

  constructor({ segments }: AuditSet, money: AuditMoney) {
    this.#segments = segments
    const id4 = this.#find('ID4')
    const code = id4 && fieldOf(id4, 2)
    const own = code === undefined ? undefined : currencyOfNumber(code)
    const currency = own ?? money.currency
    if (currency === undefined) throw new RangeError('ID402: expected a currency, or the profile’s')
    if (money.currency !== undefined && currency !== money.currency)
      throw new RangeError('ID402: expected the currency of the profile')
    const decimals = (id4 && counterOf(id4, 1)) ?? money.decimals
    if (decimals === undefined || decimals > 4)
      throw new RangeError('ID401: expected the decimals of amounts, or the profile’s')
    this.currency = currency
    this.#decimals = decimals
  }

  identity(): Readonly<Record<string, string | undefined>> {
    const id1 = this.#find('ID1')
    const id5 = this.#find('ID5')
    const text = (number: number): string | undefined => {
      const value = id1 && fieldOf(id1, number)?.trim()
      return value === undefined || isNotAvailable(value) ? undefined : value
    }
    return {
      serial: text(1),
      model: text(2),
      location: text(4),
      asset: text(6),
      machineTime: id5 && machineTime(fieldOf(id5, 1), fieldOf(id5, 2)),
    }
  }

  count(name: string, field: number): number | undefined {
    const segment = this.#find(name)
    return segment && counterOf(segment, field)
  }

  amount(name: string, field: number): number | undefined {
    const segment = this.#find(name)
    return segment && this.#minor(segment, field)
  }

  tubes(): number | undefined {
    const tubes = this.#segments.filter(({ name }) => name === 'CA15')
    const values = tubes.map(tube => this.#minor(tube, 1) ?? 0)
    return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0)
  }

  /** CA2, DA2, DB2, TA2: value, number. */
  tenders(): readonly ProtocolRow[] {
    return Object.entries(TENDERS).flatMap(([prefix, tender]) => {
      const segment = this.#find(`${prefix}2`)
      if (segment === undefined) return []
      const [vends, amount] = [counterOf(segment, 2), this.#minor(segment, 1)]
      return [definedRow({ tender, vends, amount })]
    })
  }

  /** PA1, and the PA2 behind it: number, value. */
  products(): readonly ProtocolRow[] {
    return this.#segments.flatMap((segment, at) => {
      const selection = segment.name === 'PA1' ? fieldOf(segment, 1) : undefined
      if (selection === undefined) return []
      const following = this.#segments.slice(at + 1)
      const next = following.findIndex(({ name }) => name === 'PA1')
      const own = next < 0 ? following : following.slice(0, next)
      const sold = own.find(({ name }) => name === 'PA2')
      const row = {
        selection: selection.trim(),
        name: fieldOf(segment, 3)?.trim(),
        price: this.#minor(segment, 2),
        vends: sold && counterOf(sold, 1),
        amount: sold && this.#minor(sold, 2),
      }
      return [definedRow(row)]
    })
  }

  /** PA7: selection, tender, price list, price, number, value. Most count nothing. */
  productTenders(): readonly ProtocolRow[] {
    return this.#segments
      .filter(({ name }) => name === 'PA7')
      .map(segment =>
        definedRow({
          selection: fieldOf(segment, 1) ?? '',
          tender: tenderOf(fieldOf(segment, 2) ?? ''),
          priceList: fieldOf(segment, 3) ?? '',
          price: this.#minor(segment, 4),
          vends: counterOf(segment, 5),
          amount: this.#minor(segment, 6),
        }),
      )
      .filter(({ vends = 0, amount = 0 }) => vends !== 0 || amount !== 0)
  }

  #find(name: string): Segment | undefined {
    return this.#segments.find(segment => segment.name === name)
  }

  #minor(segment: Segment, field: number): number | undefined {
    const raw = counterOf(segment, field)
    if (raw === undefined) return undefined
    const shift = currencyPlaces(this.currency) - this.#decimals
    const minor = shift >= 0 ? raw * 10 ** shift : raw / 10 ** -shift
    if (Number.isSafeInteger(minor)) return minor
    const place = `${segment.name}${String(field).padStart(2, '0')}`
    throw new RangeError(`${place}: expected an amount that ${this.currency} can express`)
  }
}

function tenderOf(code: string): string {
  const [, tender = code] = Object.entries(TENDERS).find(([prefix]) => prefix === code) ?? []
  return tender
}

const DATE = /^(\d{2}|\d{4})(\d\d)(\d\d)$/
const TIME = /^(\d\d)(\d\d)(\d\d)?$/

/** What the machine's clock showed, which is often wrong; nothing where it is no date. */
function machineTime(date = '', time = ''): string | undefined {
  const [, year, month, day] = DATE.exec(date.trim()) ?? []
  const [, hour, minute, second = '00'] = TIME.exec(time.trim()) ?? []
  if (year === undefined || hour === undefined) return undefined
  return `${year.padStart(4, '20')}-${month}-${day}T${hour}:${minute}:${second}`
}

type Members<Value> = Readonly<Record<string, Value | undefined>>

function definedRow(row: Members<ProtocolValue>): ProtocolRow {
  return defined(row)
}

function defined<Value>(members: Members<Value>): Readonly<Record<string, Value>> {
  return Object.fromEntries(
    Object.entries(members).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    ),
  )
}
