import t from 'tap'
import { concatBytes } from '../../../gateway/core/bytes.js'
import { type Random, seededRandom } from '../../../gateway/core/random.js'
import type { Event } from '../../../gateway/event/event.js'
import type { Decoded, Dialect } from '../../../gateway/profile/dialect.js'
import { loadRegistry } from '../../../gateway/profile/registry.js'
import { captureAt, dialectContract } from '../../contract/dialect.js'

const SEED = 20_261_130
const FRAMES = 1500

const loaded = await loadRegistry({ extraFolders: [] })
if (!loaded.ok) throw new Error(loaded.error.join('\n'))
const registry = loaded.value

function dialectOf(profile: string): Dialect {
  const dialect = registry.dialectOf({ profile, firmware: '1' })
  if (!dialect.ok) throw dialect.error
  return dialect.value
}

const below = (random: Random, limit: number): number => Math.floor(random.unit() * limit)
const digits = (random: Random, length: number): string =>
  String(1 + below(random, 10 ** length - 1)).padStart(length, '0')

function payment(random: Random): Readonly<Record<string, unknown>> {
  return {
    amount: 1 + below(random, 500_000),
    currency: 'EUR',
    traceNumber: digits(random, 6),
    receiptNumber: digits(random, 4),
    terminalId: '28004869',
    monthDay: '1006',
    time: '223953',
    maskedPan: '************4771',
    authorisation: '611804',
    scheme: 'girocard',
  }
}

const stated = (event: Event): string =>
  'amountMinor' in event.data ? `${event.type} ${event.data.amountMinor}` : event.type

// A reversal says of itself what it is; a payment needs its command before it.
for (const profile of ['zvt/terminal-serial', 'zvt/terminal'])
  dialectContract(
    t,
    {
      dialect: dialectOf(profile),
      message: 'reversed',
      sample: random => ({ ...payment(random), originalTrace: digits(random, 6) }),
      stated,
      expected: ({ amount }) => `payment.reversed ${amount}`,
      keyed: true,
      notices: profile === 'zvt/terminal-serial' ? 'any' : 'none',
      crossChecked: false,
    },
    SEED,
  )

/** What a payment's status means behind its command, whatever became of its bytes. */
function heard(dialect: Dialect, frames: readonly Uint8Array[]): readonly Decoded[] {
  const framer = dialect.createFramer()
  const outputs = [...framer.push(concatBytes(frames)), ...framer.idle()]
  let held: readonly Uint8Array[] = []
  return outputs.flatMap(output => {
    if (output.type !== 'frame') return []
    const decoded = dialect.decode(output.payload, captureAt(0), held)
    if ('step' in decoded && decoded.step !== undefined) held = decoded.step.held
    return [decoded]
  })
}

function damaged(frame: Uint8Array, random: Random): Uint8Array {
  const bytes = Uint8Array.from(frame)
  const at = below(random, bytes.length)
  bytes[at] = (bytes[at] ?? 0) ^ (1 << below(random, 8))
  return bytes
}

for (const profile of ['zvt/terminal-serial', 'zvt/terminal'])
  t.test(`${profile}: no damage makes a payment of another amount`, async t => {
    const dialect = dialectOf(profile)
    const random = seededRandom(SEED)
    const wrong: string[] = []
    const counts = { approved: 0, otherwise: 0 }
    for (let round = 0; round < FRAMES; round += 1) {
      const values = payment(random)
      const { amount } = values
      const command = dialect.encode('started', values)
      const status = damaged(dialect.encode('approved', values), random)
      const events = heard(dialect, [command, status]).flatMap(decoded =>
        decoded.type === 'events' ? decoded.events : [],
      )
      const approved = events.filter(({ type }) => type === 'payment.approved').map(stated)
      if (approved.length > 0) counts.approved += 1
      else counts.otherwise += 1
      wrong.push(...approved.filter(one => one !== `payment.approved ${amount}`))
    }
    t.comment(`seed ${SEED}: ${JSON.stringify(counts)}`)
    t.strictSame(wrong, [])
    t.ok(counts.otherwise > 0)
  })

t.test('noise that looks like a terminal neither throws nor pays', async t => {
  const dialect = dialectOf('zvt/terminal')
  const random = seededRandom(SEED + 1)
  const classes = [0x04, 0x05, 0x06, 0x80, 0x84]
  const paid: string[] = []
  for (let round = 0; round < FRAMES; round += 1) {
    const data = random.bytes(below(random, 40))
    const control = [classes[below(random, classes.length)] ?? 4, below(random, 256), data.length]
    const frame = concatBytes([Uint8Array.from(control), data])
    for (const decoded of heard(dialect, [frame]))
      if (decoded.type === 'events') paid.push(...decoded.events.map(({ type }) => type))
  }
  t.notOk(paid.includes('payment.approved'), JSON.stringify(paid))
})
