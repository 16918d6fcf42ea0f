import t from 'tap'
import {
  derivedEventId,
  epochId,
  epochOrdinal,
  eventId,
  isStoreId,
  isTerminalId,
  ledgerId,
  newEpochId,
  newEventId,
  newLedgerId,
  storeId,
} from '../../gateway/core/ids.js'
import { seededRandom, systemRandom } from '../../gateway/core/random.js'
import { NOON_MS, wallClock } from '../support/sample.js'

const hex32 = 'ab'.repeat(16)

t.test('ids follow their rules, and nothing else passes', async t => {
  const good = ['a', 'store-001', '0', '-', 'x'.repeat(40)]
  const bad = ['', 'Store', 'a b', 'a/b', 'a+', '#', 'é', 'x'.repeat(41), 'a\n', 'a_b']
  for (const text of good) t.ok(isStoreId(text) && isTerminalId(text), text)
  for (const text of bad) t.notOk(isStoreId(text) || isTerminalId(text), JSON.stringify(text))
  t.notOk(isStoreId('hq'), 'reserved on the topics')
  t.ok(isTerminalId('hq'))
  t.throws(() => storeId('HQ'), RangeError)
  t.equal(epochId(`1-${hex32}`), `1-${hex32}`)
  for (const text of [`0-${hex32}`, `01-${hex32}`, hex32, `1-${hex32}a`, `1000000000-${hex32}`])
    t.throws(() => epochId(text), RangeError, text)
  t.throws(() => eventId(''), RangeError)
  t.equal(eventId('x'.repeat(200)).length, 200)
  t.throws(() => eventId('x'.repeat(201)), RangeError)
  t.throws(() => ledgerId('xyz'), RangeError)
})

t.test('new ids pass their own rules and do not repeat', async t => {
  const made = Array.from({ length: 100 }, () => newEpochId(7, systemRandom))
  t.equal(new Set(made).size, 100)
  t.ok(made.every(epoch => epochOrdinal(epochId(epoch)) === 7))
  t.equal(newLedgerId(seededRandom(1)), newLedgerId(seededRandom(1)))
  t.equal(ledgerId(newLedgerId(systemRandom)).length, 32)
})

t.test('an event id without a key is a UUIDv7 of its time', async t => {
  const id = newEventId(wallClock({ wallMs: NOON_MS }), systemRandom)
  t.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  t.equal(Number.parseInt(id.replace('-', '').slice(0, 12), 16), NOON_MS)
})

t.test('a derived id means its key: part by part', async t => {
  const id = derivedEventId(['store-001', 'till-1', 'sale', '2026-11-22', '17'])
  t.equal(id, derivedEventId(['store-001', 'till-1', 'sale', '2026-11-22', '17']))
  t.not(id, derivedEventId(['store-001', 'till-1', 'sale', '2026-11-221', '7']))
  t.match(id, /^k-[0-9a-f]{32}$/)
})
