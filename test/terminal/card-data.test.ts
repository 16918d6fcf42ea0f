import t from 'tap'
import { toHex } from '../../gateway/core/bytes.js'
import { systemClock } from '../../gateway/core/clock.js'
import { createLogger } from '../../gateway/core/log.js'
import { systemRandom } from '../../gateway/core/random.js'
import { loadRegistry } from '../../gateway/profile/registry.js'
import { keyedDigestOf } from '../../gateway/security/keyed-digest.js'
import { type FrameReading, rejection } from '../../gateway/terminal/frame-decoder.js'
import { receipt } from '../support/receipt.js'
import { STORE, TILL } from '../support/sample.js'
import { until } from '../support/until.js'
import { type SessionUnderTest, startSession } from './shop.js'

const PAN = '4111111111111111'
const REFERENCE_TILL = 'tillbridge/reference-till'

function framed(text: string): Uint8Array {
  const lrc = [...Buffer.from(text), 0x03].reduce((sum, byte) => sum ^ byte, 0)
  return Uint8Array.from([0x02, ...Buffer.from(text), 0x03, lrc])
}

async function say(shop: SessionUnderTest, frame: Uint8Array): Promise<void> {
  await until('connected', () => shop.session.status.state === 'connected')
  const before = shop.till.heard().length
  await shop.till.send(frame)
  const answers = (): Uint8Array => shop.till.heard().subarray(before)
  await until('answered', () => answers().at(-1) === 0x06 || answers().at(-1) === 0x15)
}

t.test('a frame with a track is dropped, answered, told by its digest, and alarmed', async t => {
  const shop = await startSession(t, { profile: 'transbank/pos' })
  const track = framed(`0210|00|;${PAN}=29121010000000000000?`)
  await say(shop, track)
  await say(shop, framed('0900|80'))
  await say(shop, track)
  const dropped = (await shop.events()).filter(event => event.type === 'frame.rejected')
  const keyedDigest = keyedDigestOf(Uint8Array.of(1))(track)
  const data = { issues: ['track data'], raw: '', rawBytes: track.length, keyedDigest }
  t.strictSame(
    dropped.map(event => event.data),
    [data, data],
  )
  t.notMatch(JSON.stringify(await shop.events()), /411111/)
  t.match(shop.alarms, [/^till-1 sent track data/, /track data/])
  t.equal(shop.session.status.rejectedTotal, 2)
})

t.test('a sound sale with a track in it is dropped, too', async t => {
  const shop = await startSession(t, { profile: REFERENCE_TILL })
  const description = `%B${PAN}^DOE/J^2912`
  const item = { plu: '1', description, quantity: '1', unitPrice: '0.45', amount: 45 }
  await say(shop, shop.dialect.encode('sale', { ...receipt(1), items: [item] }))
  const types = (await shop.events()).map(event => event.type)
  t.same(types, ['gateway.started', 'terminal.connected', 'frame.rejected'])
  t.equal(shop.alarms.length, 1)
})

t.test('a number in a sale is hidden; the sale is sold', async t => {
  const shop = await startSession(t, { profile: REFERENCE_TILL })
  const item = {
    plu: '1',
    description: `Gift ${PAN}`,
    quantity: '1',
    unitPrice: '0.45',
    amount: 45,
  }
  await say(shop, shop.dialect.encode('sale', { ...receipt(1), items: [item] }))
  const sold = (await shop.events()).find(event => event.type === 'sale.completed')
  t.match(sold, { data: { lineItems: [{ description: 'Gift 411111******1111' }] } })
  t.same(shop.alarms, [], 'masked is not alarming')
})

t.test('the bytes of a rejected frame keep their length and lose their number', async t => {
  const shop = await startSession(t, { profile: REFERENCE_TILL })
  const frame = framed(`SALE|N|${PAN}`)
  await say(shop, frame)
  const rejected = (await shop.events()).find(event => event.type === 'frame.rejected')
  const hidden = toHex(frame).replace(
    toHex(Buffer.from(PAN)),
    toHex(Buffer.from('411111******1111')),
  )
  t.match(rejected, { data: { raw: hidden, rawBytes: frame.length } })
  t.notOk(rejected?.data.keyedDigest)
})

t.test('a number that was read as a quantity becomes a rejection without it', async t => {
  const shop = await startSession(t, { profile: REFERENCE_TILL })
  const quantity = '378282246310005'
  const item = { plu: '1', description: 'Tea', quantity, unitPrice: '0.45', amount: 45 }
  await say(shop, shop.dialect.encode('sale', { ...receipt(1), items: [item] }))
  const rejected = (await shop.events()).find(event => event.type === 'frame.rejected')
  t.match(rejected, { data: { issues: [/looks like a card number: data.lineItems.0.quantity/] } })
  t.notMatch(rejected?.data.raw, toHex(Buffer.from(quantity)))
})

for (const code of ['TB_JOURNAL_WRITE', 'TB_EVENT_TOO_LARGE'] as const)
  t.test(`${code}: no number in log or journal`, async t => {
    let log = ''
    const write = (line: string): void => {
      log += line
    }
    const shop = await startSession(t, {
      profile: REFERENCE_TILL,
      logger: createLogger({ level: 'trace', destination: { write } }),
      ingest: journal => async events => {
        if (events.some(event => event.type === 'sale.completed'))
          return { type: 'refused', code, reason: 'a test' }
        await journal.append(events)
        return { type: 'journaled' }
      },
    })
    const item = { plu: '1', description: PAN, quantity: '1', unitPrice: '0.45', amount: 45 }
    await say(shop, shop.dialect.encode('sale', { ...receipt(1), items: [item] }))
    const kept = `${log}${JSON.stringify(await shop.events())}`
    t.notOk([PAN, toHex(Buffer.from(PAN))].some(needle => kept.includes(needle)))
    t.match(kept, code)
  })

async function reading(
  own: Partial<FrameReading['dialect']>,
  frame: FrameReading['frame'],
): Promise<FrameReading> {
  const registry = await loadRegistry({ extraFolders: [] })
  if (!registry.ok) throw new Error(registry.error.join('\n'))
  const found = registry.value.dialectOf({ profile: REFERENCE_TILL, firmware: '1.0' })
  if (!found.ok) throw found.error
  return {
    frame,
    held: [],
    dialect: { ...found.value, id: 'test/one@1', cardData: false, ...own },
    keyedDigest: keyedDigestOf(Uint8Array.of(1)),
    capture: {
      store: STORE,
      terminal: TILL,
      timeZone: 'UTC',
      clockState: 'synced',
      clock: systemClock,
      random: systemRandom,
    },
  }
}

t.test(
  'where the framing doubles bytes, what shows in the payload alone keeps the raw out',
  async t => {
    const payload = Buffer.from('22085105105105105100', 'hex')
    const raw = Buffer.from('100222085105101051051051001003', 'hex')
    t.match(rejection(await reading({}, { payload, raw }), []), { data: { raw: '', rawBytes: 15 } })
  },
)

t.test("a defect's message is searched, too", async t => {
  const frame = { payload: Buffer.from('x'), raw: Buffer.from('x') }
  const event = rejection(await reading({}, frame), [`TB_INTERNAL: ${PAN} is not a date`])
  t.match(event, { data: { issues: ['TB_INTERNAL: 411111******1111 is not a date'] } })
})

t.test('a number across the end of what is kept is hidden before the cut', async t => {
  const raw = Buffer.from(`${'x'.repeat(4_096 - 12)}${PAN}`)
  const event = rejection(await reading({}, { payload: raw, raw }), [])
  t.match(event, { data: { raw: new RegExp(`${toHex(Buffer.from('x411111******'))}$`) } })
})
