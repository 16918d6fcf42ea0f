import t from 'tap'
import type { Random } from '../../../gateway/core/random.js'
import type { Event } from '../../../gateway/event/event.js'
import { loadRegistry } from '../../../gateway/profile/registry.js'
import { type DialectSubject, dialectContract } from '../../contract/dialect.js'

const SEED = 20261130

const loaded = await loadRegistry({ extraFolders: [] })
if (!loaded.ok) throw new Error(loaded.error.join('\n'))
const registry = loaded.value

const upTo = (random: Random, most: number): number => 1 + Math.floor(random.unit() * most)
const kilograms = (random: Random): string => (upTo(random, 14_999) / 1000).toFixed(3)

function stated(event: Event): string {
  return event.type === 'goods.weighed' ? event.data.quantity : event.type
}

/** What a scale's checks promise, and how its weights are encoded. */
const SCALES: readonly (Pick<DialectSubject, 'notices' | 'sample'> & {
  readonly profile: string
  readonly expected?: DialectSubject['expected']
})[] = [
  {
    profile: 'cas/tedc1',
    sample: random => ({ weight: kilograms(random).padStart(6, '0') }),
    notices: 'single',
  },
  {
    profile: 'generic/tec',
    sample: random => ({ weight: kilograms(random) }),
    notices: 'single',
  },
  {
    profile: 'generic/tisa',
    sample: random => ({ weight: kilograms(random), amount: '000001' }),
    notices: 'single',
  },
  {
    profile: 'generic/nci-ecr',
    sample: random => ({ weight: kilograms(random).padStart(6, '0') }),
    notices: 'none',
  },
  {
    profile: 'generic/tpv0-a',
    sample: random => ({ weight: kilograms(random) }),
    notices: 'none',
  },
  {
    profile: 'cas/ci',
    sample: random => ({ weight: kilograms(random).padStart(6, '0') }),
    notices: 'none',
  },
  {
    profile: 'adam/print',
    sample: random => ({ weight: kilograms(random) }),
    notices: 'none',
  },
  {
    profile: 'toledo-brasil/prix-iii',
    sample: random => ({ weight: kilograms(random) }),
    notices: 'none',
  },
  {
    profile: 'mettler-toledo/toledo-8217',
    sample: random => ({ weight: kilograms(random).padStart(6, '0') }),
    notices: 'none',
  },
  {
    profile: 'mettler-toledo/checkout-dialog',
    sample: random => ({
      grams: String(upTo(random, 14_999)).padStart(5, '0'),
      price: '000199',
      amount: '000146',
    }),
    expected: ({ grams }) => (Number(grams) / 1000).toFixed(3),
    notices: 'none',
  },
  {
    profile: 'datalogic/magellan',
    sample: random => ({ digits: String(upTo(random, 9_999)).padStart(4, '0') }),
    expected: ({ digits }) => (Number(digits) / 100).toFixed(2),
    notices: 'none',
  },
]

for (const { profile, expected = plain, ...subject } of SCALES) {
  const dialect = registry.dialectOf({ profile, firmware: '1' })
  if (!dialect.ok) throw dialect.error
  const given = { dialect: dialect.value, message: 'weight', keyed: false, crossChecked: false }
  dialectContract(t, { ...given, ...subject, stated, expected }, SEED)
}

function plain({ weight }: Readonly<Record<string, unknown>>): string {
  return String(weight).replace(/^0+(?=\d)/, '')
}
