import type { Random } from '../../../gateway/core/random.js'
import { loadRegistry } from '../../../gateway/profile/registry.js'
import { rememberedRequest } from '../../../gateway/protocol/payment/mellon.js'
import type { Approving } from './mutations.js'

const registry = await loadRegistry({ extraFolders: [] })

function dialectOf(profile: string) {
  if (!registry.ok) throw new Error(registry.error.join('\n'))
  const dialect = registry.value.dialectOf({ profile, firmware: '1' })
  if (!dialect.ok) throw dialect.error
  return dialect.value
}

const digits = (random: Random, length: number): string =>
  String(Math.floor(random.unit() * 10 ** length)).padStart(length, '0')

const WHEN = { date: '2026-11-22', time: '18:45:01' }
const CARD = { maskedPan: '411111******1111', cardScheme: 'Visa' }

/** What its checksum promises of a frame with one changed byte, and of any damage. */
export interface Terminal extends Approving {
  readonly name: string
  readonly checksum: 'lrc' | 'crc' | 'none'
  readonly keyed: boolean
}

export const TERMINALS: readonly Terminal[] = [
  {
    name: 'POSLink',
    checksum: 'lrc',
    keyed: true,
    dialect: dialectOf('verifone/poslink'),
    sample: (random, amount) => ({
      amount,
      merchant: '1',
      reference: `D${digits(random, 8)}`,
      traceNumber: digits(random, 6),
      maskedPan: CARD.maskedPan,
    }),
  },
  {
    name: 'PAX',
    checksum: 'lrc',
    keyed: true,
    dialect: dialectOf('pax/ecr'),
    sample: (random, amount) => ({
      amount,
      ...WHEN,
      traceNumber: digits(random, 6),
      authorisationCode: digits(random, 6),
      maskedPan: '****1111',
    }),
  },
  {
    name: 'EDC',
    checksum: 'lrc',
    keyed: true,
    dialect: dialectOf('generic/edc-terminal'),
    sample: (random, amount) => ({
      amount,
      ...WHEN,
      ...CARD,
      traceNumber: digits(random, 6),
      authorisationCode: digits(random, 6),
      terminalId: '12345678',
    }),
  },
  {
    name: 'SmartSale',
    checksum: 'crc',
    keyed: true,
    dialect: dialectOf('inpas/smart-sale'),
    sample: (random, amount) => ({
      amount,
      ...WHEN,
      maskedPan: CARD.maskedPan,
      reference: digits(random, 12),
      terminalId: '00266286',
    }),
  },
  {
    name: 'Vendotek',
    checksum: 'crc',
    keyed: false,
    dialect: dialectOf('vendotek/vendotek-3'),
    sample: (random, amount) => ({ amount, traceNumber: digits(random, 8) }),
  },
  {
    name: 'Mellon',
    checksum: 'none',
    keyed: true,
    dialect: dialectOf('mellon/ecr'),
    held: ({ reference, amount }) => [
      rememberedRequest({ session: String(reference), kind: 'approved', amount: Number(amount) }),
    ],
    sample: (random, amount) => ({
      amount,
      ...WHEN,
      ...CARD,
      reference: digits(random, 6),
      receiptNumber: digits(random, 12),
      traceNumber: digits(random, 6),
      authorisationCode: digits(random, 6),
      terminalId: '64999999',
    }),
  },
  {
    name: 'O.P.I.',
    checksum: 'none',
    keyed: true,
    dialect: dialectOf('opi/terminal'),
    sample: (random, amount) => ({
      amount,
      ...WHEN,
      ...CARD,
      currency: 'EUR',
      reference: digits(random, 6),
      receiptNumber: digits(random, 4),
      traceNumber: digits(random, 6),
      terminalId: '68276185',
    }),
  },
]
