import t, { type Test } from 'tap'
import { toHex } from '../../gateway/core/bytes.js'
import { LIMITS } from '../../gateway/core/limits.js'
import { silentLogger } from '../../gateway/core/log.js'
import { type Event, type EventOf, eventSource } from '../../gateway/event/event.js'
import { JournalIngest } from '../../gateway/ingest/journal-ingest.js'
import { journalIn } from '../journal/open.js'
import { STORE, TILL } from '../support/sample.js'
import { steppedClock } from '../support/stepped-clock.js'
import { until } from '../support/until.js'
import { PARTS_TILL, saleInParts } from './parts.js'
import { dialectOf, type SessionUnderTest, startSession } from './shop.js'

const ACK = '06'
const NAK = '15'
const SOURCE = eventSource(STORE, TILL)
const PAN = '4111111111111111'

async function start(t: Test, options: Partial<Parameters<typeof startSession>[1]> = {}) {
  const shop = await startSession(t, { ...PARTS_TILL, ...options })
  await until('connected', () => shop.session.status.state === 'connected')
  return shop
}

/** Sends frames one after another, each once the one before was answered; gives the answers. */
async function say(
  { till }: Pick<SessionUnderTest, 'till'>,
  frames: readonly (Uint8Array | undefined)[],
): Promise<string> {
  const before = till.heard().length
  for (const frame of frames) {
    const heard = till.heard().length
    if (frame !== undefined) await till.send(frame)
    await until('answered', () => till.heard().length > heard)
  }
  return toHex(till.heard().subarray(before))
}

async function salesOf(shop: SessionUnderTest): Promise<readonly EventOf<'sale.completed'>[]> {
  return (await shop.events()).filter(event => event.type === 'sale.completed')
}

async function rejectionsOf(shop: SessionUnderTest): Promise<readonly Event[]> {
  return (await shop.events()).filter(({ type }) => type === 'frame.rejected')
}

t.test('each part is in the journal before its ACK, and the sale in place of them', async t => {
  const held: number[] = []
  const shop = await start(t, {
    ingest: journal => {
      const ingest = new JournalIngest({ journal, logger: silentLogger })
      return async (...given) => {
        const outcome = await ingest.ingest(...given)
        held.push((await journal.fragments(SOURCE)).length)
        return outcome
      }
    },
  })
  t.equal(await say(shop, saleInParts(shop.dialect)), ACK.repeat(5))
  t.strictSame(held.slice(-5), [1, 2, 3, 4, 1])
  const [sale, ...others] = await salesOf(shop)
  t.equal(others.length, 0)
  t.match(sale, { subject: '000017', data: { totalMinor: 90, changeMinor: 10 } })
  t.equal(sale?.data.lineItems.length, 2)
})

t.test('what is said twice, its ACK having come late, counts once', async t => {
  const shop = await start(t)
  const twice = saleInParts(shop.dialect).flatMap(frame => [frame, frame])
  t.equal(await say(shop, twice), ACK.repeat(10))
  const [sale, ...others] = await salesOf(shop)
  t.equal(others.length, 0)
  t.equal(sale?.data.lineItems.length, 2)
  t.strictSame(await rejectionsOf(shop), [])
})

t.test('a damaged part is a NAK, and is taken when it is repeated', async t => {
  const shop = await start(t)
  const [begin, first, second, ...others] = saleInParts(shop.dialect)
  const damaged = Uint8Array.from(second ?? [])
  damaged[12] = (damaged[12] ?? 0) ^ 1
  const answers = await say(shop, [begin, first, damaged, second, ...others])
  t.equal(answers, ACK + ACK + NAK + ACK.repeat(3))
  t.equal((await salesOf(shop)).length, 1)
})

t.test('a part that the journal refuses is a NAK, and no part is lost', async t => {
  let isFull = false
  const shop = await start(t, {
    ingest: journal => {
      const ingest = new JournalIngest({ journal, logger: silentLogger })
      return async (...given) =>
        isFull
          ? { type: 'refused', code: 'TB_JOURNAL_FULL', reason: 'full' }
          : ingest.ingest(...given)
    },
  })
  const [begin, first, ...others] = saleInParts(shop.dialect)
  t.equal(await say(shop, [begin]), ACK)
  isFull = true
  t.equal(await say(shop, [first]), NAK)
  isFull = false
  t.equal(await say(shop, [first, ...others]), ACK.repeat(4))
  t.equal((await salesOf(shop))[0]?.data.lineItems.length, 2)
})

t.test('a sale goes on over a line that was opened anew', async t => {
  const shop = await start(t)
  const frames = saleInParts(shop.dialect)
  await say(shop, frames.slice(0, 3))
  shop.modem.cut()
  const till = await shop.connect()
  await until('connected again', async () => {
    const types = (await shop.events()).map(({ type }) => type)
    return types.filter(type => type === 'terminal.connected').length === 2
  })
  t.equal(await say({ till }, frames.slice(3)), ACK.repeat(2))
  t.equal((await salesOf(shop)).length, 1)
})

t.test('another sale before the end: the parts of the first are kept as rejected', async t => {
  const shop = await start(t)
  const abandoned = saleInParts(shop.dialect, { number: 16, description: `Gift ${PAN}` })
  const frames = [...abandoned.slice(0, 2), ...saleInParts(shop.dialect)]
  t.equal(await say(shop, frames), ACK.repeat(7))
  const [rejected, ...others] = await rejectionsOf(shop)
  t.equal(others.length, 0)
  const raw = rejected?.type === 'frame.rejected' ? rejected.data.raw : ''
  t.match(Buffer.from(raw, 'hex').toString(), /^BEG\|20261122\|000016\|.*ITM\|000016\|1\|/)
  t.notMatch(Buffer.from(raw, 'hex').toString(), PAN)
  t.strictSame(
    (await salesOf(shop)).map(({ subject }) => subject),
    ['000017'],
  )
})

t.test('a sale that does not add up is rejected with all its parts', async t => {
  const shop = await start(t)
  const wrong = shop.dialect.encode('end', { receiptNumber: '000017', change: 10, total: 91 })
  const frames = [...saleInParts(shop.dialect).slice(0, 4), wrong, wrong]
  t.equal(await say(shop, frames), ACK.repeat(6))
  const [rejected, ...others] = await rejectionsOf(shop)
  t.equal(others.length, 0, 'and once, however often its end is said')
  t.match(rejected, { data: { issues: [/sale: items\.amount/] } })
  const raw = rejected?.type === 'frame.rejected' ? rejected.data.raw : ''
  t.match(Buffer.from(raw, 'hex').toString(), /BEG.*ITM.*ITM.*TND.*END/s)
  t.strictSame(await salesOf(shop), [])
})

t.test('parts that wait too long are given up, also those of the process before', async t => {
  const { clock, step } = steppedClock()
  const shop = await start(t)
  await say(shop, saleInParts(shop.dialect).slice(0, 3))
  await shop.stop()
  const later = await start(t, { journal: shop.journal, clock })
  step(LIMITS.gatheredMs - 1)
  t.strictSame(await rejectionsOf(shop), [])
  step(1)
  await until('given up', async () => (await rejectionsOf(shop)).length === 1)
  await until('let go', async () => (await shop.journal.fragments(SOURCE)).length === 0)
  t.match(await rejectionsOf(shop), [{ data: { issues: [/expected a further part within/] } }])
  step(10 * LIMITS.gatheredMs)
  t.equal(later.session.status.rejectedTotal, 1)
})

t.test('a sale of more parts than are kept is given up', async t => {
  const journal = await journalIn(t.testdir())
  t.teardown(() => journal.close())
  const dialect = await dialectOf(PARTS_TILL.profile, PARTS_TILL.firmware)
  const [begin = new Uint8Array(0)] = saleInParts(dialect)
  const values = { receiptNumber: '000017', plu: '1', description: 'x', quantity: '1', amount: 1 }
  const item = (line: number) => dialect.encode('item', { ...values, line })
  const items = Array.from({ length: LIMITS.gatheredParts - 2 }, (_, index) => item(index + 1))
  const after = [begin, ...items].map(frame => frame.subarray(1, -2))
  await journal.append([], { source: SOURCE, before: [], after })
  const shop = await start(t, { journal })
  await say(shop, [item(LIMITS.gatheredParts - 1)])
  t.equal((await journal.fragments(SOURCE)).length, LIMITS.gatheredParts)
  await say(shop, [item(LIMITS.gatheredParts)])
  t.match(await rejectionsOf(shop), [{ data: { issues: [/expected at most 500 parts/] } }])
  t.strictSame(await journal.fragments(SOURCE), [])
})

t.test('no fragment holds a card number, and the sale has it hidden', async t => {
  const shop = await start(t)
  const frames = saleInParts(shop.dialect, { description: `Gift ${PAN}` })
  for (const frame of frames) {
    await say(shop, [frame])
    const held = Buffer.concat(await shop.journal.fragments(SOURCE)).toString()
    t.notMatch(held, PAN)
  }
  const [sale] = await salesOf(shop)
  t.equal(sale?.data.lineItems.length, 2)
  t.notMatch(JSON.stringify(sale), PAN)
  t.match(JSON.stringify(sale), /Gift 411111\*+1111/)
})
