import t from 'tap'
import { followPaymentRules } from '../../gateway/composition/payment-rules.js'
import { eventId, terminalId } from '../../gateway/core/ids.js'
import { makeEvent } from '../../gateway/event/make-event.js'
import { countingSink, openDownlink } from '../downlink/hq.js'
import { journalIn } from '../journal/open.js'
import { quietAlarms } from '../support/quiet-alarms.js'
import { NOON_MS, STORE, sale, TILL } from '../support/sample.js'
import { until } from '../support/until.js'

const RULES = [
  { from: TILL, tender: 'card', terminal: terminalId('payment-2'), currency: 'EUR' },
] as const

/** A sale of 12.50, of which so much is paid by card. */
function paidByCard(
  number: number,
  cardMinor: number,
  more: { readonly training?: boolean; readonly currency?: string } = {},
) {
  return makeEvent({
    type: 'sale.completed',
    id: eventId(`sale-${number}`),
    store: STORE,
    terminal: TILL,
    wallMs: NOON_MS,
    timeZone: 'Europe/Berlin',
    clockState: 'synced',
    data: {
      receiptNumber: String(number),
      currency: 'EUR',
      lineItems: [{ lineNumber: 1, description: 'Milk', quantity: '1', amountMinor: 1250 }],
      tenders: [
        { type: 'cash', amountMinor: 1250 - cardMinor },
        { type: 'card', amountMinor: cardMinor },
      ],
      totalMinor: 1250,
      taxIncluded: true,
      ...more,
    },
  })
}

t.test('a card tender is asked of the terminal of the rule, once for each sale', async t => {
  const place = t.testdir()
  const asked: unknown[] = []
  const sink = countingSink(async ({ target, verb, issuer, arguments: values }) => {
    asked.push({ target, verb, issuer, values })
    return { type: 'successful', values: {} }
  })
  const alarms = quietAlarms()
  const open = async () => {
    const journal = await journalIn(place)
    const { downlink } = await openDownlink({ journal, sink })
    const stop = followPaymentRules({ rules: [...RULES], journal, downlink, alarms })
    const close = async () => {
      stop()
      await downlink.stop()
      await journal.close()
    }
    return { journal, downlink, close }
  }
  const first = await open()
  await first.journal.append([paidByCard(1, 1000)])
  await until('it was asked', () => asked.length === 1)
  t.same(asked, [
    {
      target: 'payment-2',
      verb: 'authorise',
      issuer: `rule of ${TILL}`,
      values: { amountMinor: 1000 },
    },
  ])
  await first.journal.append([paidByCard(1, 1000)])
  await until('it ended', () => first.downlink.status.successful === 1)
  await first.close()

  const second = await open()
  await second.journal.append([paidByCard(1, 1000)])
  await second.journal.append([sale({ number: 2 })])
  await second.journal.append([paidByCard(3, 500, { training: true })])
  await second.journal.append([{ ...paidByCard(4, 500), possiblerepeat: true }])
  await second.journal.append([paidByCard(6, 500, { currency: 'CHF' })])
  await second.journal.append([paidByCard(5, 700)])
  await until('the last was asked', () => asked.length === 2)
  await second.close()
  t.match(asked[1], { values: { amountMinor: 700 } }, 'and nothing between')
})
