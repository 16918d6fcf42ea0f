import { numberOfCurrency } from '../../codec/currency-number.js'
import { currencyPlaces } from '../../core/money.js'
import { g85Of } from './eva-dts.js'

type Values = Readonly<Record<string, unknown>>

const TENDER_SEGMENTS: Readonly<Record<string, string>> = {
  cash: 'CA',
  'cashless-1': 'DA',
  'cashless-2': 'DB',
  token: 'TA',
}

/** An audit file as a machine sends it. @throws RangeError naming the value that does not fit. */
export function writeAudit(values: Values): string {
  const { currency, serial, model, location, asset, tenders, products, productTenders } = values
  const { paid, paidVends, test, testVends, free, freeVends, cashIn, cashToBox, billsIn } = values
  const number = numberOfCurrency(String(currency))
  if (number === undefined) throw new RangeError('currency: expected one with a number')
  const body = [
    'ST*001*0001',
    segment('ID1', [serial, model, '', location, '', asset]),
    segment('ID4', [currencyPlaces(String(currency)), number, currency]),
    segment('VA1', [paid, paidVends]),
    segment('VA2', [test, testVends]),
    segment('VA3', [free, freeVends]),
    segment('CA3', ['', '', '', '', cashIn, cashToBox, '', '', '', billsIn]),
    ...rowsOf(tenders).map(({ tender, vends, amount }) =>
      segment(`${tenderCode(tender)}2`, [amount, vends]),
    ),
    ...rowsOf(products).flatMap(({ selection, name, price, vends, amount }) => [
      segment('PA1', [selection, price, name]),
      segment('PA2', [vends, amount]),
    ]),
    ...rowsOf(productTenders).map(({ selection, tender, priceList, price, vends, amount }) =>
      segment('PA7', [selection, tenderCode(tender), priceList, price, vends, amount]),
    ),
  ].filter(line => line !== undefined)
  const lines = [
    'DXS*TIL0000001*VA*V0/6*1',
    ...body,
    `G85*${g85Of(body)}`,
    `SE*${body.length + 2}*0001`,
    'DXE*1*1',
  ]
  return lines.map(line => `${line}\r\n`).join('')
}

/** Empty fields at its end are left out, and a segment without any value. */
function segment(name: string, fields: readonly unknown[]): string | undefined {
  const texts = fields.map(field => (field === undefined ? '' : String(field)))
  const wrong = texts.findIndex(text => /[^\x20-\x7e]|\*/.test(text))
  if (wrong >= 0) throw new RangeError(`${name}0${wrong + 1}: expected ASCII text without *`)
  const length = texts.findLastIndex(text => text !== '') + 1
  return length === 0 ? undefined : [name, ...texts.slice(0, length)].join('*')
}

function tenderCode(tender: unknown): string {
  const code = TENDER_SEGMENTS[String(tender)]
  if (code === undefined)
    throw new RangeError(`tender: expected one of ${Object.keys(TENDER_SEGMENTS).join(', ')}`)
  return code
}

function rowsOf(value: unknown): readonly Values[] {
  return Array.isArray(value) ? value : []
}
