import t from 'tap'
import { eventId, type TerminalId, terminalId } from '../../gateway/core/ids.js'
import { outcomeOf, paymentTrail } from '../../gateway/downlink/payment-trail.js'
import type { Event } from '../../gateway/event/event.js'
import { makeEvent } from '../../gateway/event/make-event.js'
import { journalIn } from '../journal/open.js'
import { NOON_MS, reading, STORE } from '../support/sample.js'

const CARD_TERMINAL = terminalId('payment-1')
const COMMAND = { id: 'c-1', target: CARD_TERMINAL }
const MONEY = { amountMinor: 1250, currency: 'EUR', method: 'card' } as const
type Payment = 'started' | 'approved' | 'declined' | 'reversed' | 'unknown'

let count = 0

function stated(terminal: TerminalId) {
  count += 1
  return {
    id: eventId(`event-${count}`),
    store: STORE,
    terminal,
    wallMs: NOON_MS,
    timeZone: 'UTC',
    clockState: 'synced',
  } as const
}

function payment(kind: Payment, terminal = CARD_TERMINAL, more: object = {}): Event {
  const data = { ...MONEY, authorisationCode: 'A1', reason: 'said the terminal', ...more }
  return makeEvent({ type: `payment.${kind}`, data, ...stated(terminal) })
}

function executing(command: string): Event {
  return makeEvent({
    type: 'gateway.command',
    data: {
      command,
      issuer: 'alice',
      target: CARD_TERMINAL,
      verb: 'authorise',
      argumentsDigest: 'ab'.repeat(32),
      state: 'executing',
    },
    ...stated(terminalId('gateway')),
  })
}

const of = (...kinds: readonly Payment[]) =>
  outcomeOf({ isWhole: true, events: kinds.map(kind => payment(kind)) })

t.test('what the terminal said last of a payment is what came of it', async t => {
  t.match(of('started', 'approved'), { type: 'successful', values: { amountMinor: 1250 } })
  t.match(of('started', 'declined'), { reason: 'rejected', detail: 'said the terminal' })
  t.match(of('started', 'approved', 'reversed'), { reason: 'rejected' })
  t.match(of('started', 'unknown', 'approved'), { type: 'successful' })
  t.equal(of('started'), undefined)
  t.equal(of('started', 'unknown'), undefined, 'nobody can say yet')
  t.match(of('approved', 'started', 'declined'), { reason: 'rejected' }, 'not the one before it')
})

t.test('what the terminal says of another payment is not what came of this one', async t => {
  const at = (kind: Payment, more: object) => payment(kind, CARD_TERMINAL, more)
  const told = (asked: object, ...said: readonly Event[]) =>
    outcomeOf({ isWhole: true, events: [at('started', asked), ...said] })
  const [first, second] = [{ terminalReceiptNumber: 'T1' }, { terminalReceiptNumber: 'T2' }]
  for (const kind of ['approved', 'declined', 'reversed'] as const) {
    t.equal(told({}, at(kind, { amountMinor: 1251 })), undefined)
    t.equal(told({}, at(kind, { currency: 'CHF' })), undefined)
    t.equal(told(second, at(kind, first)), undefined)
    t.equal(told(second, at(kind, {})), undefined)
  }
  t.match(told(second, at('approved', second), at('declined', first)), { type: 'successful' })
  t.match(
    told({}, at('approved', first)),
    { type: 'successful' },
    'the number is the terminal’s own',
  )
})

t.test('what was not journaled as asked for did not go out; unless it is gone', async t => {
  t.match(of(), { reason: 'rejected', detail: /not asked/ })
  t.match(of('approved'), { reason: 'rejected' }, 'of another payment')
  t.match(outcomeOf({ isWhole: false, events: [] }), { reason: 'unknown' })
})

t.test('a trail reaches back to its command, over restarts, and to no other terminal', async t => {
  const place = t.testdir()
  const before = await journalIn(place)
  await before.append([executing('c-0'), payment('started'), payment('approved')])
  await before.append([executing('c-1'), payment('started')])
  await before.append(Array.from({ length: 450 }, (_, n) => reading(n)))
  await before.close()
  const journal = await journalIn(place)
  t.teardown(() => journal.close())
  await journal.append([payment('unknown'), payment('approved', terminalId('payment-2'))])
  const trail = await paymentTrail(journal, COMMAND)
  t.equal(trail.isWhole, true)
  t.same(
    trail.events.map(({ type }) => type),
    ['payment.started', 'payment.unknown'],
  )
  await journal.append([payment('declined')])
  t.match(outcomeOf(await paymentTrail(journal, COMMAND)), { reason: 'rejected' })
  const gone = await paymentTrail(journal, { ...COMMAND, id: 'c-9' })
  t.equal(gone.isWhole, false)
})
