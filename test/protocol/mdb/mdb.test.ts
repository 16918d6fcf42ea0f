import t from 'tap'
import { concatBytes, fromHex } from '../../../gateway/core/bytes.js'
import { seededRandom } from '../../../gateway/core/random.js'
import { Mdb, mdbSchema } from '../../../gateway/protocol/mdb/mdb.js'
import { encodeMdb, markedBytes } from '../../../gateway/protocol/mdb/mdb-frame.js'
import type { ProtocolFields } from '../../../gateway/protocol/protocol.js'
import { changed, hear, shifted } from '../hear.js'

const mdb = new Mdb(mdbSchema.parse({ type: 'mdb' }))
const ACKED = markedBytes('peripheral', Uint8Array.of(0))
const vmc = (hex: string) => encodeMdb('vmc', fromHex(hex))
const reader = (hex: string) => encodeMdb('peripheral', fromHex(hex))
const SETUP = concatBytes([vmc('110001000000'), reader('0101197801020501')])
const VEND = concatBytes([vmc('13000096000c'), reader('050096'), vmc('1302000c')])

const SEED = 20_261_130

function amountOf({ amount }: ProtocolFields): unknown {
  return amount
}

function sold(...parts: readonly Uint8Array[]): readonly unknown[] {
  return hear(mdb, concatBytes(parts)).map(reading =>
    reading.type === 'messages'
      ? reading.messages.map(({ name, fields }) => `${name} ${amountOf(fields)}`).join()
      : reading.type,
  )
}

t.test('a vend is what was requested, approved, and came', async t => {
  t.same(sold(SETUP, VEND), ['vend 150'])
  t.same(sold(SETUP, vmc('13000096000c'), reader('050096')), [], 'an approval is no sale')
  t.same(sold(SETUP, vmc('13000096000c'), reader('050096'), vmc('1303')), ['vend-failed 150'])
  t.same(sold(SETUP, vmc('13000096000c'), vmc('1301'), vmc('1302000c')), ['rejected'])
})

t.test('what the bus repeats for want of an ACK is one vend', async t => {
  t.same(sold(SETUP, VEND, vmc('1302000c'), ACKED), ['vend 150'])
  t.same(sold(SETUP, VEND, ACKED, VEND), ['vend 150', 'vend 150'])
  const cash = vmc('13050096000c')
  t.same(sold(SETUP, cash, cash, ACKED, cash), ['cash-sale 150', 'cash-sale 150'])
  const nak = markedBytes('peripheral', Uint8Array.of(0xff))
  t.same(sold(SETUP, cash, nak, cash, ACKED), ['cash-sale 150'])
})

t.test('an amount that the reader does not know is none', async t => {
  const unknown = concatBytes([vmc('13000096000c'), reader('05ffff'), vmc('1302000c')])
  const long = concatBytes([vmc('13000000009600' + '0c'), reader('05ffffffff'), vmc('1302000c')])
  t.same(sold(SETUP, unknown, ACKED, long), ['rejected', 'rejected'])
})

t.test('two readers are told apart', async t => {
  const second = concatBytes([vmc('610001000000'), reader('0101164301020501')])
  const onSecond = concatBytes([vmc('63000032000c'), reader('050032'), vmc('6302000c')])
  t.same(sold(SETUP, second, onSecond, VEND), ['vend 50', 'vend 150'])
})

t.test('the reader’s scale and currency count', async t => {
  const scaled = concatBytes([vmc('110001000000'), reader('0101197805010501')])
  t.same(sold(scaled, VEND), ['vend 7500'], '150 times 5 tenths')
  const tiny = concatBytes([vmc('110001000000'), reader('0101197801040501')])
  t.same(sold(tiny, VEND), ['rejected'], '0.0150 is no amount')
  const profile = new Mdb(mdbSchema.parse({ type: 'mdb', currency: 'CHF' }))
  t.match(hear(profile, concatBytes([SETUP, VEND])), [{ type: 'rejected' }])
  const stated = mdbSchema.parse({ type: 'mdb', currency: 'EUR', scaleFactor: 1, decimals: 2 })
  t.match(hear(new Mdb(stated), VEND), [{ messages: [{ name: 'vend', fields: { amount: 150 } }] }])
})

/** Vends whose bytes were damaged: how many there were, and those that came out wrong. */
function damageVends(
  damage: typeof changed,
  rounds: number,
): { readonly wrong: readonly unknown[]; readonly rejected: number } {
  const random = seededRandom(SEED)
  const wrong: unknown[] = []
  let rejected = 0
  for (let round = 0; round < rounds; round += 1) {
    const amount = 1 + Math.floor(random.unit() * 60_000)
    const values = { selection: `${1 + Math.floor(random.unit() * 99)}`, currency: 'EUR', amount }
    const message = random.unit() < 0.5 ? 'vend' : 'cash-sale'
    for (const reading of hear(mdb, damage(mdb.encode(message, values), random))) {
      if (reading.type !== 'messages') rejected += 1
      else if (!reading.messages.every(({ fields }) => amountOf(fields) === amount))
        wrong.push({ values, reading })
    }
  }
  return { wrong, rejected }
}

t.test('a changed byte makes no other amount', async t => {
  const { wrong, rejected } = damageVends(changed, 4000)
  t.comment(`seed ${SEED}: ${rejected} rejected`)
  t.strictSame(wrong.slice(0, 1), [], `seed ${SEED}`)
  t.ok(rejected > 0)
})

t.test('a lost or doubled byte passes a checksum of eight bits once in 256', async t => {
  const rounds = 2000
  const { wrong, rejected } = damageVends(shifted, rounds)
  t.comment(`seed ${SEED}: ${rejected} rejected, ${wrong.length} of ${rounds} wrong`)
  t.ok(wrong.length <= rounds / 256, 'that is the floor of such a checksum')
})
