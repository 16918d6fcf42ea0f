import t, { type Test } from 'tap'
import { concatBytes, toHex } from '../../gateway/core/bytes.js'
import { systemClock } from '../../gateway/core/clock.js'
import { LIMITS } from '../../gateway/core/limits.js'
import type { IngestOutcome } from '../../gateway/terminal/ingest.js'
import { receipt } from '../support/receipt.js'
import { until } from '../support/until.js'
import { type SessionUnderTest, startSession } from './shop.js'

const ACK = '06'
const NAK = '15'
const REFERENCE_TILL = 'tillbridge/reference-till'

/** A sale has arrived whole, and the journal does not answer before `letGo`. */
async function sendToSlowJournal(
  t: Test,
): Promise<{ readonly shop: SessionUnderTest; readonly letGo: () => void }> {
  let letGo = (): void => undefined
  const held = new Promise<void>(resolve => {
    letGo = resolve
  })
  const shop = await startSession(t, {
    profile: REFERENCE_TILL,
    ingest: journal => async events => {
      if (events.some(event => event.type === 'sale.completed')) await held
      await journal.append(events)
      return { type: 'journaled' }
    },
  })
  await until('connected', () => shop.session.status.state === 'connected')
  await shop.till.send(shop.dialect.encode('sale', receipt(1)))
  await until('the frame is whole', () => shop.session.status.framesTotal === 1)
  return { shop, letGo }
}

t.test('a sale is acknowledged once it is in the journal, never before', async t => {
  const { shop, letGo } = await sendToSlowJournal(t)
  t.equal(toHex(shop.till.heard()), '', 'silent while the journal writes')
  letGo()
  await until('answered', () => shop.till.heard().length > 0)
  t.equal(toHex(shop.till.heard()), ACK)
  const sales = (await shop.events()).filter(event => event.type === 'sale.completed')
  t.equal(sales.length, 1)
  t.match(sales[0], { subject: '000001', data: { totalMinor: 45 } })
})

t.test('a repeated sale is acknowledged again and stands in the journal once', async t => {
  const shop = await startSession(t, { profile: REFERENCE_TILL })
  const frame = shop.dialect.encode('sale', receipt(1))
  await until('connected', () => shop.session.status.state === 'connected')
  await shop.till.send(frame)
  await until('answered', () => shop.till.heard().length === 1)
  await shop.till.send(frame)
  await until('answered again', () => shop.till.heard().length === 2)
  t.equal(toHex(shop.till.heard()), ACK + ACK)
  const sales = (await shop.events()).filter(event => event.type === 'sale.completed')
  t.equal(sales.length, 1)
  t.equal(shop.session.status.eventsTotal, 1)
})

t.test('a refusal of the journal is a NAK: the till keeps its sale', async t => {
  let outcome: IngestOutcome = { type: 'refused', code: 'TB_JOURNAL_WRITE', reason: 'full' }
  const shop = await startSession(t, {
    profile: REFERENCE_TILL,
    ingest: () => async () => outcome,
  })
  const frame = shop.dialect.encode('sale', receipt(1))
  await until('connected', () => shop.session.status.state === 'connected')
  await shop.till.send(frame)
  await until('refused', () => shop.till.heard().length === 1)
  outcome = { type: 'journaled' }
  await shop.till.send(frame)
  await until('taken', () => shop.till.heard().length === 2)
  t.equal(toHex(shop.till.heard()), NAK + ACK)
})

t.test(
  'a frame nobody understands is kept as rejected, acknowledged, and blocks nothing',
  async t => {
    const shop = await startSession(t, { profile: REFERENCE_TILL })
    const poison = Buffer.from('SALE|N|nonsense')
    const lrc = [...poison, 0x03].reduce((sum, byte) => sum ^ byte, 0)
    await until('connected', () => shop.session.status.state === 'connected')
    await shop.till.send(Uint8Array.from([0x02, ...poison, 0x03, lrc]))
    await until('answered', () => shop.till.heard().length === 1)
    await shop.till.send(shop.dialect.encode('sale', receipt(2)))
    await until('the next one too', () => shop.till.heard().length === 2)
    t.equal(toHex(shop.till.heard()), ACK + ACK)
    const events = await shop.events()
    const rejected = events.find(event => event.type === 'frame.rejected')
    t.match(rejected, { data: { rawBytes: poison.length + 3 } })
    t.equal(rejected?.data.raw.slice(2, 10), toHex(poison.subarray(0, 4)), 'its bytes are kept')
    t.equal(shop.session.status.rejectedTotal, 1)
    t.ok(events.some(event => event.type === 'sale.completed'))
  },
)

t.test('a rejected frame of a payment terminal is kept by length and digest alone', async t => {
  const shop = await startSession(t, { profile: 'transbank/pos' })
  const unreadable = Buffer.from('0210|00|4111111111111111')
  const lrc = [...unreadable, 0x03].reduce((sum, byte) => sum ^ byte, 0)
  await until('connected', () => shop.session.status.state === 'connected')
  await shop.till.send(Uint8Array.from([0x02, ...unreadable, 0x03, lrc]))
  await until('rejected', () => shop.session.status.rejectedTotal === 1)
  // Before that the gateway asked for the last payment.
  await until('answered', () => toHex(shop.till.heard()).endsWith(ACK))
  const events = await shop.events()
  t.match(
    events.find(event => event.type === 'frame.rejected'),
    { data: { raw: '', rawBytes: unreadable.length + 3, keyedDigest: /^[0-9a-f]{64}$/ } },
  )
  t.notMatch(JSON.stringify(events), /411111/)
})

t.test('a corrupted frame is a NAK and counted: a dying cable shows', async t => {
  const shop = await startSession(t, { profile: REFERENCE_TILL })
  const frame = Uint8Array.from(shop.dialect.encode('sale', receipt(1)))
  frame[10] = (frame[10] ?? 0) ^ 0x01
  await until('connected', () => shop.session.status.state === 'connected')
  await shop.till.send(frame)
  await until('answered', () => shop.till.heard().length === 1)
  t.equal(toHex(shop.till.heard()), NAK)
  t.equal(shop.session.status.nakTotal, 1)
  t.equal((await shop.events()).filter(event => event.type === 'sale.completed').length, 0)
})

t.test('a cut line is said once, and opened again', async t => {
  const shop = await startSession(t, { profile: REFERENCE_TILL })
  await until('connected', async () => (await shop.events()).length === 2)
  shop.modem.cut()
  await until('lost', async () =>
    (await shop.events()).some(({ type }) => type === 'terminal.lost'),
  )
  await until('connected again', async () => (await shop.events()).length === 4)
  const types = (await shop.events()).map(event => event.type)
  t.same(types, ['gateway.started', 'terminal.connected', 'terminal.lost', 'terminal.connected'])
})

t.test('stopping settles and answers what was accepted', async t => {
  const { shop, letGo } = await sendToSlowJournal(t)
  const stopped = shop.stop()
  letGo()
  await stopped
  t.equal(toHex(shop.till.heard()), ACK)
  t.equal(shop.session.status.state, 'stopped')
})

t.test(
  'a till without numbers: what it says twice in a row is flagged, and both are kept',
  async t => {
    const shop = await startSession(t, { profile: 'tillbridge/plain-till' })
    const item = { plu: '001001', description: 'Bread roll', quantity: '1.000', amount: 45 }
    const frame = shop.dialect.encode('sale', {
      operator: '07',
      items: [item],
      tender: 'cash',
      total: 45,
    })
    await until('connected', () => shop.session.status.state === 'connected')
    for (const count of [1, 2]) {
      await shop.till.send(frame)
      await until('answered', () => shop.till.heard().length === count)
    }
    const sales = (await shop.events()).filter(event => event.type === 'sale.completed')
    t.same(
      sales.map(sale => sale.possiblerepeat ?? false),
      [false, true],
    )
  },
)

t.test('what a scanner says while the disk is full is held, for it says it once', async t => {
  const refusals = ['TB_JOURNAL_WRITE', 'TB_JOURNAL_FULL'] as const
  let offered = 0
  const shop = await startSession(t, {
    profile: 'generic/aim-scanner',
    ingest: journal => async events => {
      if (events[0]?.type !== 'code.scanned') return { type: 'journaled' }
      const code = refusals[offered]
      offered += 1
      if (code !== undefined) return { type: 'refused', code, reason: 'full' }
      await journal.append(events)
      return { type: 'journaled' }
    },
  })
  await until('connected', () => shop.session.status.state === 'connected')
  await shop.till.send(shop.dialect.encode('ean-8', { text: '96385074' }))
  await until('journaled in the end', () => shop.session.status.eventsTotal === 1)
  t.equal(offered, 3)
  t.equal((await shop.events()).filter(({ type }) => type === 'code.scanned').length, 1)
})

t.test('what nobody understands of a scanner is held as well', async t => {
  let offered = 0
  const shop = await startSession(t, {
    profile: 'generic/aim-scanner',
    ingest: journal => async events => {
      if (events[0]?.type !== 'frame.rejected') return { type: 'journaled' }
      offered += 1
      if (offered === 1) return { type: 'refused', code: 'TB_JOURNAL_WRITE', reason: 'a test' }
      await journal.append(events)
      return { type: 'journaled' }
    },
  })
  await until('connected', () => shop.session.status.state === 'connected')
  await shop.till.send(Buffer.from(']E096385075\r\n'))
  await until('journaled in the end', async () =>
    (await shop.events()).some(({ type }) => type === 'frame.rejected'),
  )
  t.equal(shop.session.status.rejectedTotal, 1)
})

t.test('a scanner that is held lets the gateway stop', async t => {
  let offered = 0
  const shop = await startSession(t, {
    profile: 'generic/aim-scanner',
    ingest: () => async () => {
      offered += 1
      return { type: 'refused', code: 'TB_JOURNAL_FULL', reason: 'full' }
    },
  })
  await until('connected', () => shop.session.status.state === 'connected')
  await shop.till.send(shop.dialect.encode('ean-8', { text: '96385074' }))
  await until('offered', () => offered > 1)
  await shop.stop()
  t.equal(shop.session.status.state, 'stopped')
})

t.test('a frame that is counted, not kept, is answered as ever', async t => {
  const shop = await startSession(t, {
    profile: REFERENCE_TILL,
    ingest: () => async () => ({ type: 'summarised' }),
  })
  const poison = Buffer.from('SALE|N|nonsense')
  const lrc = [...poison, 0x03].reduce((sum, byte) => sum ^ byte, 0)
  await until('connected', () => shop.session.status.state === 'connected')
  await shop.till.send(Uint8Array.from([0x02, ...poison, 0x03, lrc]))
  await until('answered', () => shop.till.heard().length === 1)
  t.equal(toHex(shop.till.heard()), ACK)
})

/** Half a sale has been read when the gateway begins to end; its clock moves by hand. */
async function stoppedWithin(t: Test, profile: string, bytesOf: (shop: SessionUnderTest) => Bytes) {
  const state = { nowMs: 0, looks: 0, isClosing: false }
  const shop = await startSession(t, {
    profile,
    ...(profile === REFERENCE_TILL ? {} : { firmware: '1' }),
    clock: { ...systemClock, monotonicMs: () => state.nowMs, after: () => () => undefined },
    own: {
      isClosing: () => {
        state.looks += 1
        return state.isClosing
      },
    },
  })
  await until('connected', () => shop.session.status.state === 'connected')
  const bytes = bytesOf(shop)
  await shop.till.send(bytes.subarray(0, 5))
  await until('it has begun', () => state.looks > 0)
  state.isClosing = true
  return { shop, state, rest: bytes.subarray(5) }
}

type Bytes = Uint8Array<ArrayBufferLike>
const numbersIn = async ({ events }: SessionUnderTest): Promise<readonly unknown[]> =>
  (await events()).filter(({ type }) => type === 'sale.completed').map(({ subject }) => subject)

t.test('at the end a sale that was begun is taken, one that begins then is refused', async t => {
  const { shop, rest } = await stoppedWithin(t, REFERENCE_TILL, ({ dialect }) =>
    dialect.encode('sale', receipt(1)),
  )
  await shop.till.send(rest)
  await until('it is answered', () => shop.till.heard().length === 1)
  await shop.till.send(shop.dialect.encode('sale', receipt(2)))
  await until('both are', () => shop.till.heard().length === 2)
  t.equal(toHex(shop.till.heard()), ACK + NAK)
  t.strictSame(await numbersIn(shop), ['000001'])
})

t.test('its line is closed once it is whole', async t => {
  const sale = ({ dialect }: SessionUnderTest) => dialect.encode('sale', receipt(1))
  const whole = await stoppedWithin(t, REFERENCE_TILL, sale)
  const stopped = whole.shop.stop()
  await whole.shop.till.send(whole.rest)
  await stopped
  t.equal(toHex(whole.shop.till.heard()), ACK)
  t.strictSame(await numbersIn(whole.shop), ['000001'])
})

t.test('one that never ends holds nothing up', async t => {
  const sale = ({ dialect }: SessionUnderTest) => dialect.encode('sale', receipt(1))
  const { shop, state } = await stoppedWithin(t, REFERENCE_TILL, sale)
  const stopped = shop.stop()
  state.nowMs += LIMITS.finishFrameMs
  await stopped
  t.equal(toHex(shop.till.heard()), '')
  t.strictSame(await numbersIn(shop), [])
})

t.test('who is not answered is heard to the end', async t => {
  const { shop, rest } = await stoppedWithin(t, 'generic/aim-scanner', ({ dialect }) =>
    dialect.encode('ean-8', { text: '96385074' }),
  )
  await shop.till.send(concatBytes([rest, shop.dialect.encode('ean-8', { text: '96385074' })]))
  await until('both are kept', async () => {
    const events = await shop.events()
    return events.filter(({ type }) => type === 'code.scanned').length === 2
  })
})
