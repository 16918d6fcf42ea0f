import { writeValue } from '../../gateway/protocol/modbus/register-value.js'
import { receipt } from '../support/receipt.js'
import { acknowledged, answering, type CountingRegister, modbus, talking } from './devices.js'
import type { SoakTerminal } from './soak-terminal.js'

const digits = (n: number, length: number): string => String(n).padStart(length, '0')
const DAY = { businessDay: '2026-11-22', date: '2026-11-22', time: '18:45:01' } as const

const totalOf: SoakTerminal['keyOf'] = (type, { totalMinor }) =>
  type === 'sale.completed' ? String(totalMinor) : undefined
const weightOf: SoakTerminal['keyOf'] = (type, { quantity }) =>
  type === 'goods.weighed' ? String(quantity) : undefined
const textOf: SoakTerminal['keyOf'] = (type, { text }) =>
  type === 'code.scanned' ? String(text) : undefined
/** Registers that count; others stay as they are and are not counted. */
const readingOf =
  (names: readonly string[]): SoakTerminal['keyOf'] =>
  (type, { register, quantity }) =>
    type === 'reading.taken' && names.includes(String(register))
      ? `${register}=${quantity}`
      : undefined

function partsOf(n: number) {
  const receiptNumber = digits(n, 6)
  const amount = 100 + n
  const item = { receiptNumber, plu: '1001', description: 'Bread roll', quantity: '1' }
  return [
    { message: 'begin', values: { ...DAY, receiptNumber, operator: '7' } },
    { message: 'item', values: { ...item, line: 1, amount } },
    { message: 'tender', values: { receiptNumber, line: 2, type: 'cash', amount } },
    { message: 'end', values: { receiptNumber, change: 0, total: amount } },
  ]
}

function scan(n: number) {
  const text = `011234567890123110${digits(n, 8)}`
  return { key: text, message: 'gs1', values: { symbology: 'C1', text } }
}

function payment(n: number) {
  const values = {
    commerceCode: '597029414300',
    terminalId: '75001089',
    authorisationCode: digits(n, 6),
    amount: 1000 + n,
    lastDigits: '6590',
    operationNumber: digits(n, 6),
    cardType: 'CR',
    date: '2026-11-22',
    time: '18:45:01',
  }
  return { key: String(1000 + n), frames: [{ message: 'approved', values }] }
}

/** ESC p: the drawer opens. Without it a receipt is held for 2 s, in case that it still does. */
const DRAWER = Uint8Array.of(0x1b, 0x70, 0, 25, 250)

function printed(n: number) {
  const price = ((100 + n) / 100).toFixed(2)
  const head = `CORNER SHOP\nReceipt No: ${digits(n, 6)}\nDate: 22/11/2026  Time: 06:45 PM\n`
  const text = `${head}Tea £${price}\nTOTAL £${price}\nCASH £${price}`
  return { key: String(100 + n), message: 'receipt', values: { text }, tail: DRAWER }
}

function float(name: string, address: number, quantity: (n: number) => number): CountingRegister {
  const words = (n: number) => writeValue(quantity(n), { type: 'float32', wordOrder: 'big' })
  return { name, code: 4, address, words, quantity: n => String(quantity(n)) }
}

const METER = [
  float('voltage', 0, n => 200 + n / 2),
  float('current', 6, n => n / 2),
  float('power', 12, n => n),
  float('energy', 342, n => 1000 + n),
]
const COLD_ROOM: readonly CountingRegister[] = [
  { name: 'cabinet', code: 3, address: 256, words: n => [n], quantity: n => tenths(n) },
]
const COLD_ROOM_STILL = [
  [3, 258, 0x8000],
  [3, 768, 20],
  [2, 0, 0],
  [1, 16, 0],
] as const

function tenths(n: number): string {
  return n % 10 === 0 ? String(n / 10) : (n / 10).toFixed(1)
}

const CELLAR = 'cellar'
const coldRoom = (id: string, address: number): SoakTerminal => ({
  id,
  profile: 'dixell/xr',
  firmware: '1',
  protocol: 'modbus',
  baudRate: 9600,
  isAsked: true,
  bus: { id: CELLAR, address },
  device: modbus(address, COLD_ROOM, COLD_ROOM_STILL),
  keyOf: readingOf(COLD_ROOM.map(({ name }) => name)),
})

/** The terminals of the soak: a row each. */
export const SOAK_TERMINALS: readonly SoakTerminal[] = [
  {
    id: 'register-1',
    profile: 'tillbridge/reference-till',
    firmware: '1.0',
    protocol: 'ecr-lrc',
    baudRate: 9600,
    device: acknowledged(1000, n => ({
      key: String(100 + n),
      frames: [{ message: 'sale', values: receipt(n, 100 + n) }],
    })),
    keyOf: totalOf,
  },
  {
    id: 'register-2',
    profile: 'tillbridge/reference-till-b',
    firmware: '2.0',
    protocol: 'ecr-tlv',
    baudRate: 9600,
    device: acknowledged(1500, n => {
      const { training: _, ...values } = receipt(n, 100 + n)
      const item = {
        gtin: '04006381333931',
        description: 'Tea',
        quantity: '1.000',
        unitPrice: '1.25',
      }
      const items = [{ ...item, amount: 100 + n }]
      const sale = { ...values, operator: '0007', zNumber: '0001', items }
      return { key: String(100 + n), frames: [{ message: 'sale', values: sale }] }
    }),
    keyOf: totalOf,
  },
  {
    id: 'register-3',
    profile: 'tillbridge/reference-till-c',
    firmware: '3.0',
    protocol: 'ecr-parts',
    baudRate: 19_200,
    device: acknowledged(2000, n => ({ key: String(100 + n), frames: partsOf(n) })),
    keyOf: totalOf,
  },
  {
    id: 'register-4',
    profile: 'tillbridge/plain-till',
    firmware: '1.0',
    protocol: 'ecr-line',
    baudRate: 9600,
    device: acknowledged(1500, n => {
      const item = { plu: '001001', description: 'Bread roll', quantity: '1.000', amount: 100 + n }
      const values = { operator: '07', items: [item], tender: 'cash', total: 100 + n }
      return { key: String(100 + n), frames: [{ message: 'sale', values }] }
    }),
    keyOf: totalOf,
  },
  {
    id: 'scanner-1',
    profile: 'generic/aim-scanner',
    firmware: '1.0',
    protocol: 'aim-lines',
    baudRate: 9600,
    device: talking(800, scan),
    keyOf: textOf,
  },
  {
    id: 'scanner-2',
    profile: 'generic/aim-scanner',
    firmware: '1.0',
    protocol: 'aim-lines',
    baudRate: 115_200,
    device: talking(500, scan),
    keyOf: textOf,
  },
  {
    id: 'scale-1',
    profile: 'mettler-toledo/mt-sics',
    firmware: '1.0',
    protocol: 'mt-sics',
    baudRate: 9600,
    device: talking(1500, n => {
      const weight = (n / 1000).toFixed(3)
      return { key: weight, message: 'weight', values: { weight, unit: 'kg' } }
    }),
    keyOf: weightOf,
  },
  {
    id: 'scale-2',
    profile: 'mettler-toledo/toledo-8217',
    firmware: '1.0',
    protocol: 'toledo-8217',
    isAsked: true,
    baudRate: 9600,
    device: answering(Buffer.from('W'), n => {
      const weight = (n / 1000).toFixed(3)
      return { key: weight, message: 'weight', values: { weight: weight.padStart(6, '0') } }
    }),
    keyOf: weightOf,
  },
  {
    id: 'scale-3',
    profile: 'toledo-brasil/prix-iii',
    firmware: '1',
    protocol: 'prix-iii',
    isAsked: true,
    baudRate: 4800,
    device: answering(Uint8Array.of(0x05), n => {
      const weight = (n / 1000).toFixed(3)
      return { key: weight, message: 'weight', values: { weight } }
    }),
    keyOf: weightOf,
  },
  {
    id: 'scanner-3',
    profile: 'honeywell/msgget',
    firmware: '1',
    protocol: 'honeywell',
    baudRate: 9600,
    device: talking(1200, n => {
      const text = `PALLET ${digits(n, 8)}`
      return { key: text, message: 'other', values: { symbology: 'Q1', text, code: 's' } }
    }),
    keyOf: textOf,
  },
  {
    id: 'printer-1',
    profile: 'generic/esc-pos-register',
    firmware: '1',
    protocol: 'esc-pos',
    baudRate: 38_400,
    device: talking(3000, printed),
    keyOf: totalOf,
  },
  {
    id: 'payment-1',
    profile: 'transbank/pos',
    firmware: '1.0',
    protocol: 'transbank',
    baudRate: 115_200,
    device: acknowledged(2500, payment),
    keyOf: (type, { amountMinor }) =>
      type === 'payment.approved' ? String(amountMinor) : undefined,
  },
  {
    id: 'meter-1',
    profile: 'eastron/sdm',
    firmware: '1',
    protocol: 'modbus',
    baudRate: 9600,
    isAsked: true,
    bus: { id: CELLAR, address: 1 },
    device: modbus(1, METER, [
      [4, 70, 0x4248],
      [4, 71, 0],
    ]),
    keyOf: readingOf(METER.map(({ name }) => name)),
  },
  coldRoom('cold-room-1', 11),
  coldRoom('cold-room-2', 12),
]
