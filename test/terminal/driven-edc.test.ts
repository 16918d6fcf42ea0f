import t from 'tap'
import type { FramerOutput } from '../../gateway/line/framing/framer.js'
import { EDC_FIELD, readEdc } from '../../gateway/protocol/payment/edc.js'
import { until } from '../support/until.js'
import { type SessionUnderTest, startSession } from './shop.js'

const SALE = { id: 's', verb: 'authorise', values: { amount: 10_000, reference: 'A00001' } }
const ACK = Uint8Array.of(0x06)

/** What the till's end has heard, frame by frame. */
function framesOf(shop: SessionUnderTest): readonly FramerOutput[] {
  return shop.dialect
    .createFramer()
    .push(shop.till.heard())
    .filter(output => output.type === 'frame')
}

async function typesOf(shop: SessionUnderTest): Promise<readonly string[]> {
  return (await shop.events())
    .map(({ type }) => type)
    .filter(type => type.startsWith('payment.') || type === 'frame.rejected')
}

t.test('an EDC terminal is driven: asked, heard, acknowledged, booked once', async t => {
  const shop = await startSession(t, { profile: 'generic/edc-terminal' })
  await until('connected', () => shop.session.status.state === 'connected')
  const selling = shop.session.command(SALE)
  await until('asked', () => framesOf(shop).length === 1)
  const [asked] = framesOf(shop)
  const message = readEdc(asked?.type === 'frame' ? asked.payload : ACK)
  t.ok(message.ok)
  if (!message.ok) return
  t.equal(message.value.transaction, '20')
  t.equal(message.value.fields.get(EDC_FIELD.amount), '000000010000')
  await shop.till.send(ACK)
  const answer = shop.dialect.encode('approved', {
    amount: 10_000,
    reference: 'A00001',
    date: '2026-11-22',
    time: '18:45:01',
    traceNumber: '000012',
    authorisationCode: '123456',
    maskedPan: '************1234',
  })
  await shop.till.send(answer)
  t.match(await selling, {
    type: 'successful',
    values: { authorisationCode: '123456', traceNumber: '000012' },
  })
  await until('acknowledged', () => shop.till.heard().at(-1) === 0x06)
  await shop.till.send(answer)
  await until('acknowledged again', () => framesOf(shop).length === 3)
  t.same(await typesOf(shop), ['payment.started', 'payment.approved'], 'a repeat books nothing')
})

t.test('an answer with another amount is booked as it says, and the command unknown', async t => {
  const shop = await startSession(t, { profile: 'generic/edc-terminal' })
  await until('connected', () => shop.session.status.state === 'connected')
  const selling = shop.session.command(SALE)
  await until('asked', () => framesOf(shop).length === 1)
  await shop.till.send(ACK)
  const values = { date: '2026-11-22', time: '18:45:01', traceNumber: '000012' }
  await shop.till.send(shop.dialect.encode('approved', { ...values, amount: 10_001 }))
  t.match(await selling, { type: 'failed', reason: 'unknown' })
  t.same(await typesOf(shop), ['payment.started', 'payment.approved'])
})

t.test('a card number that is not masked does not reach the journal', async t => {
  const shop = await startSession(t, { profile: 'generic/edc-terminal' })
  await until('connected', () => shop.session.status.state === 'connected')
  const values = { date: '2026-11-22', time: '18:45:01', traceNumber: '000012', amount: 5 }
  const maskedPan = '4111111111111111'
  await shop.till.send(shop.dialect.encode('approved', { ...values, maskedPan }))
  await until('answered', () => shop.till.heard().at(-1) === 0x06)
  const text = JSON.stringify(await shop.events())
  t.notMatch(text, /4111111111/)
  t.match(text, /411111\*{6}1111/)
})
