import t from 'tap'
import type { Event } from '../../gateway/event/event.js'
import { scrubEvent } from '../../gateway/profile/scrub-event.js'
import { sale } from '../support/sample.js'
import { TEST_CARDS } from '../support/test-cards.js'

const PAN = '4111111111111111'
/** 10 in a hundred numbers of this form pass for a Mastercard. */
const RECEIPT = '2611220010030174'

const example = sale({ number: 1 })
if (example.type !== 'sale.completed') throw new Error('a sale is a sale')
const { data } = example
const [line] = data.lineItems
if (line === undefined) throw new Error('a sale has a line')

const scan = (data: Extract<Event, { type: 'code.scanned' }>['data']): Event => ({
  ...example,
  type: 'code.scanned',
  data,
})

function cleaned(event: Event, options = { cardData: false }): Event {
  const scrubbed = scrubEvent(event, options)
  if (!scrubbed.ok) throw new Error(scrubbed.error)
  return scrubbed.value.event
}

t.test('an event without card numbers is the same event', async t => {
  t.equal(cleaned(example), example)
})

t.test('every text of a sale is searched, the subject, too', async t => {
  for (const member of ['workstation', 'operator'] as const)
    t.match(cleaned({ ...example, data: { ...data, [member]: PAN } }), {
      data: { [member]: '411111******1111' },
    })
  for (const member of ['description', 'plu', 'unit'] as const)
    t.match(cleaned({ ...example, data: { ...data, lineItems: [{ ...line, [member]: PAN }] } }), {
      data: { lineItems: [{ [member]: '411111******1111' }] },
    })
  t.match(cleaned({ ...example, subject: PAN }), { subject: '411111******1111' })
})

t.test('what is paid by card is about cards', async t => {
  const paid = (type: 'card' | 'cash'): Event => {
    const tenders = [{ type, amountMinor: 250, reference: 'No. 501800000009' }]
    return { ...example, data: { ...data, tenders } }
  }
  t.match(cleaned(paid('card')), { data: { tenders: [{ reference: 'No. 50******0009' }] } })
  t.match(cleaned(paid('cash')), { data: { tenders: [{ reference: 'No. 501800000009' }] } })
})

t.test('numbers of receipts are left alone, but not where cards are the subject', async t => {
  const numbered = { ...data, receiptNumber: RECEIPT, refundOf: RECEIPT }
  const event: Event = { ...example, subject: RECEIPT, data: numbered }
  t.equal(cleaned(event), event)
  const hidden = '261122******0174'
  t.match(cleaned(event, { cardData: true }), { subject: hidden, data: { refundOf: hidden } })
  const payment: Event = {
    ...example,
    type: 'payment.approved',
    data: {
      amountMinor: 1,
      currency: 'EUR',
      method: 'card',
      maskedPan: '411111******1111',
      terminalReceiptNumber: RECEIPT,
      reason: 'declined 4111 1111 1111 1111',
    },
  }
  t.match(cleaned(payment), {
    data: {
      maskedPan: '411111******1111',
      terminalReceiptNumber: hidden,
      reason: 'declined 4111 11** **** 1111',
    },
  })
})

t.test('goods with a sound check digit are goods; a card number there is none', async t => {
  const goods = '38000000000089' // a GTIN-14 that passes for a Diners Club card
  const named = (plu: string): Event => ({
    ...example,
    data: { ...data, lineItems: [{ ...line, plu }] },
  })
  t.equal(scrubEvent(named(goods), { cardData: false }).ok, true)
  t.match(cleaned(named('30569309025904')), { data: { lineItems: [{ plu: '3056******5904' }] } })
  const gtin: Event = {
    ...example,
    data: { ...data, lineItems: [{ ...line, gtin: '30569309025904' }] },
  }
  t.match(scrubEvent(gtin, { cardData: false }), { ok: false, error: /looks like a card number/ })
})

t.test('a card number that was read as a quantity or an amount', async t => {
  const quantity = '378282246310005'
  const counted: Event = { ...example, data: { ...data, lineItems: [{ ...line, quantity }] } }
  t.match(scrubEvent(counted, { cardData: false }), { ok: false, error: /lineItems.0.quantity/ })
  const amountMinor = Number(PAN)
  const lineItems = [{ ...line, amountMinor }]
  const priced: Event = { ...example, data: { ...data, lineItems, totalMinor: amountMinor } }
  t.match(scrubEvent(priced, { cardData: false }), { ok: false, error: /totalMinor/ })
})

t.test('a scan: codes of goods and keys of GS1 stay, all else is searched', async t => {
  const same: readonly Event[] = [
    scan({ text: '4006381333931', symbology: 'E0', gtin: '4006381333931', checkDigitValid: true }),
    scan({ text: '38000000000089', symbology: 'I1' }),
    scan({
      text: '00622000000000000035',
      symbology: 'C1',
      elements: { '00': '622000000000000035' },
    }),
  ]
  for (const event of same) t.equal(cleaned(event), event)
  t.match(cleaned({ ...scan({ text: PAN, symbology: 'C0' }), subject: PAN }), {
    subject: '411111******1111',
    data: { text: '411111******1111', symbology: 'C0' },
  })
  const elements = { '01': '04006381333931', '21': PAN }
  t.match(cleaned(scan({ text: `010400638133393121${PAN}`, symbology: 'C1', elements })), {
    data: {
      text: '010400638133393121411111******1111',
      elements: { '01': '04006381333931' },
    },
  })
  const asElement = { '401': '2888888881881' }
  t.strictSame(
    cleaned(scan({ text: '4012888888881881', symbology: 'd2', elements: asElement })).data,
    { text: '401288******1881', symbology: 'd2', elements: {} },
    'a card number that can also be read as an element',
  )
  const between = { '414': '4000001000005', '21': PAN, '01': '04006381333931' }
  const text = `414400000100000521${PAN}\x1d0104006381333931`
  t.match(cleaned(scan({ text, symbology: 'C1', elements: between })), {
    data: { text: text.replace(PAN, '411111******1111') },
  })
})

t.test('a track that came out of several fields is sensitive', async t => {
  const event = scan({ text: ';4111111111111111=29121010000?', symbology: 'Q1' })
  t.match(scrubEvent(event, { cardData: false }), { value: { sensitive: 'track data' } })
})

t.test('no test card stays in any text', async t => {
  for (const pan of TEST_CARDS) {
    const event = cleaned({ ...example, data: { ...data, operator: pan, workstation: `a ${pan}` } })
    t.notOk(JSON.stringify(event).includes(pan), pan)
  }
})
