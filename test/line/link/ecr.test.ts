import t from 'tap'
import { toHex } from '../../../gateway/core/bytes.js'
import { createLink, linkSchema } from '../../../gateway/line/link/catalog.js'
import type { LinkCommand, LinkEffect, LinkInput } from '../../../gateway/line/link/link.js'

const REQUESTS = {
  authorise: {
    text: '0200|{amount}|{reference}',
    answer: '0210|',
    success: '0210|00|',
    money: true,
    echo: { reference: 2, amount: 3 },
    values: { traceNumber: 4 },
  },
  last: {
    text: '0250|',
    answer: '0260|',
    success: '0260|00|',
    echo: { reference: 2, amount: 3 },
    values: { traceNumber: 4 },
  },
  refund: { text: '1200|{operation}', answer: '1210|', success: '1210|00|', money: true },
  close: { text: '0500', answer: '0510|', success: '0510|00' },
  poll: { text: '0100' },
}

/** Frames are their text: what a framing adds is not the link's business. */
class Exchange {
  readonly #link
  #state: unknown

  constructor(options: Readonly<Record<string, unknown>> = {}) {
    const parsed = linkSchema.parse({
      type: 'ecr',
      ask: 'last',
      progress: '0900|',
      requests: REQUESTS,
      ...options,
    })
    this.#link = createLink(parsed, payload => payload)
    this.#state = this.#link.initial
  }

  opened = (): string => this.#feed({ type: 'opened' })
  elapsed = (): string => this.#feed({ type: 'elapsed', atMs: 0 })
  ack = (): string => this.heard('\x06')
  nak = (atMs = 0): string => this.heard('\x15', atMs)
  settled = (
    outcome: 'journaled' | 'duplicate' | 'ignored' | 'rejected' | 'refused' = 'journaled',
    atMs = 0,
  ): string => this.#feed({ type: 'settled', outcome, atMs })

  heard(text: string, atMs = 0): string {
    const raw = Buffer.from(text, 'latin1')
    return this.#feed({ type: 'framed', output: { type: 'frame', payload: raw, raw }, atMs })
  }

  noise(reason: 'noise' | 'checksum' = 'noise'): string {
    const raw = Uint8Array.of(0x41)
    return this.#feed({ type: 'framed', output: { type: 'discarded', reason, raw }, atMs: 0 })
  }

  command(
    verb: string,
    values: Readonly<Record<string, string | number>> = {},
    more: Pick<LinkCommand, 'about' | 'untilMs'> = {},
  ): string {
    const command = { id: verb, verb, values, ...more }
    return this.#feed({ type: 'commanded', command, atMs: 0 })
  }

  /** A sale up to where the terminal has taken it. */
  sell(): void {
    this.command('authorise', { amount: 2500, reference: 'A1' })
    this.settled()
    this.ack()
  }

  #feed(input: LinkInput): string {
    const { state, effects } = this.#link.next(this.#state, input)
    this.#state = state
    return effects.map(described).join(', ')
  }
}

function described(effect: LinkEffect): string {
  switch (effect.type) {
    case 'write': {
      const text = Buffer.from(effect.bytes).toString('latin1')
      return /^[\x20-\x7e]+$/.test(text) ? `write ${text}` : `write ${toHex(effect.bytes)}`
    }
    case 'deliver':
      return `deliver ${Buffer.from(effect.payload).toString('latin1')}`
    case 'answered': {
      const { outcome } = effect
      if (outcome.type === 'successful') return `${effect.id} ${JSON.stringify(outcome.values)}`
      const { reason, notDone, detail } = outcome
      return `${effect.id} ${reason}${notDone ? ', not done' : ''}: ${detail}`
    }
    case 'count':
      return effect.counter
    default:
      return effect.type
  }
}

const SALE = { amount: 2500, reference: 'A1' }
const PAID = '0210|00|A1|2500|63'

t.test('a sale is in the journal before it is asked for, its answer before the ACK', async t => {
  const exchange = new Exchange()
  t.equal(exchange.opened(), '')
  t.equal(exchange.command('authorise', SALE), 'deliver 0200|2500|A1')
  t.equal(exchange.settled(), 'write 0200|2500|A1')
  t.equal(exchange.ack(), 'timer')
  t.equal(exchange.heard('0900|80'), 'deliver 0900|80')
  t.equal(exchange.settled('ignored'), 'write 06, timer')
  t.equal(exchange.heard(PAID), `deliver ${PAID}`)
  t.equal(exchange.settled(), 'write 06, release, authorise {"traceNumber":"63"}')
})

t.test('a journal that takes nothing stops the sale before the terminal hears of it', async t => {
  const exchange = new Exchange()
  exchange.command('authorise', SALE)
  t.equal(exchange.settled('refused'), 'release, authorise rejected: the journal takes nothing')
})

t.test('an answer that the journal refuses is not acknowledged, and comes again', async t => {
  const exchange = new Exchange()
  exchange.sell()
  exchange.heard(PAID)
  t.equal(exchange.settled('refused'), 'write 15, nak, timer')
  t.equal(exchange.heard(PAID), `deliver ${PAID}`)
  t.match(exchange.settled('duplicate'), /^write 06, release, authorise /)
})

t.test('another message meanwhile must not take the ACK for its own', async t => {
  const exchange = new Exchange()
  exchange.sell()
  t.equal(exchange.heard('0900|80'), 'deliver 0900|80')
  t.equal(exchange.heard('0900|80'), 'repeat')
  t.equal(exchange.heard(PAID), 'late')
  t.equal(exchange.settled('ignored'), 'late, timer', 'no ACK')
  t.equal(exchange.heard(PAID), `deliver ${PAID}`, 'unanswered it comes again')
  t.match(exchange.settled(), /^write 06, release, authorise /)
})

t.test('an answer that is settled too late is not acknowledged: its repeat is', async t => {
  const exchange = new Exchange()
  exchange.sell()
  exchange.heard(PAID)
  t.match(exchange.settled('journaled', 5000), /^late, release, authorise /)
  t.equal(exchange.heard(PAID), `deliver ${PAID}`)
  t.equal(exchange.settled('duplicate'), 'write 06')
})

t.test('a lost answer is unknown, asked for, and found', async t => {
  const exchange = new Exchange()
  exchange.sell()
  t.equal(exchange.elapsed(), 'timeout, deliver ?0200|2500|A1')
  t.equal(exchange.settled(), 'write 0250|')
  t.equal(exchange.ack(), 'timer')
  t.equal(exchange.heard('0260|00|A1|2500|63'), 'deliver 0260|00|A1|2500|63')
  t.equal(exchange.settled(), 'write 06, release, authorise {"traceNumber":"63"}')
})

t.test('another last payment says that this one was not carried out', async t => {
  const exchange = new Exchange()
  exchange.sell()
  exchange.elapsed()
  exchange.settled()
  exchange.ack()
  exchange.heard('0260|00|A0|2500|62')
  t.match(exchange.settled(), /authorise rejected, not done: not carried out/)
})

t.test('the answer itself may come while the last payment is asked for', async t => {
  const exchange = new Exchange()
  exchange.sell()
  exchange.elapsed()
  exchange.settled()
  t.equal(exchange.heard(PAID), `deliver ${PAID}`)
  t.equal(exchange.settled(), 'write 06, release, authorise {"traceNumber":"63"}')
})

t.test('a terminal that says nothing any more leaves the outcome unknown', async t => {
  const exchange = new Exchange()
  exchange.sell()
  exchange.elapsed()
  t.equal(exchange.settled(), 'write 0250|')
  t.equal(exchange.elapsed(), 'timeout, repeat, write 0250|')
  t.equal(exchange.elapsed(), 'timeout, repeat, write 0250|')
  t.equal(exchange.elapsed(), 'timeout, repeat, write 0250|')
  t.match(exchange.elapsed(), /silent, release, authorise unknown/)
})

t.test('what its last payment cannot show stays unknown', async t => {
  const exchange = new Exchange()
  exchange.command('refund', { operation: '63' })
  exchange.settled()
  exchange.ack()
  exchange.elapsed()
  exchange.settled()
  exchange.heard('0260|00|A1|2500|63')
  t.match(exchange.settled(), /refund unknown: its last payment does not show/)
})

t.test('no sale is sent twice where it may have arrived', async t => {
  const exchange = new Exchange()
  exchange.command('authorise', SALE)
  exchange.settled()
  t.equal(exchange.elapsed(), 'timeout, deliver ?0200|2500|A1', 'no ACK: asked, not repeated')
  const refused = new Exchange({ repeatLimit: 1 })
  refused.command('authorise', SALE)
  refused.settled()
  t.equal(refused.nak(), 'repeat, write 0200|2500|A1', 'NAK: it was not taken')
  t.match(refused.nak(1000), /authorise rejected: the terminal does not take/)
  const twice = new Exchange()
  twice.command('authorise', SALE)
  twice.settled()
  t.equal(twice.nak(), 'repeat, write 0200|2500|A1')
  t.equal(twice.nak(20), '', 'two NAKs for one broken frame: the second try may be taken')
  t.equal(twice.elapsed(), 'timeout, deliver ?0200|2500|A1')
  const disturbed = new Exchange()
  disturbed.command('authorise', SALE)
  disturbed.settled()
  disturbed.noise()
  t.equal(disturbed.nak(), '', 'a NAK among noise may be a piece of an answer')
  t.equal(disturbed.elapsed(), 'timeout, deliver ?0200|2500|A1')
})

t.test('what moves no money is repeated', async t => {
  const exchange = new Exchange({ repeatLimit: 1 })
  t.equal(exchange.command('close'), 'write 0500')
  t.equal(exchange.elapsed(), 'timeout, repeat, write 0500')
  t.match(exchange.elapsed(), /timeout, silent, release, close timeout/)
  t.equal(exchange.command('poll'), 'write 0100')
  t.equal(exchange.ack(), 'release, poll {}')
})

t.test('a refusal of the terminal, another amount, a value that does not fit', async t => {
  const exchange = new Exchange()
  exchange.sell()
  exchange.heard('0210|05|A1|2500|')
  t.match(exchange.settled(), /authorise rejected: the terminal says 05/)
  exchange.sell()
  exchange.heard('0210|00|A1|2600|63')
  t.match(exchange.settled(), /authorise unknown: it answers to another request/)
  for (const values of [
    { amount: 0, reference: 'A' },
    { amount: 5 },
    { amount: 5, reference: '|' },
  ])
    t.match(exchange.command('authorise', values), /authorise rejected: \w+: it is missing/)
  t.match(exchange.command('dance'), /dance unsupported/)
})

t.test('one request at a time', async t => {
  const exchange = new Exchange()
  exchange.sell()
  t.equal(exchange.command('close'), 'close rejected: another request is under way')
})

t.test('a line that opens is asked what was paid last, and a command waits for that', async t => {
  const exchange = new Exchange({ askOnOpening: true })
  t.equal(exchange.opened(), 'write 0250|')
  t.equal(exchange.command('close'), '')
  t.equal(exchange.ack(), 'timer')
  exchange.heard('0260|00|A1|2500|63')
  t.equal(exchange.settled('duplicate'), 'write 06, write 0500')
})

t.test('what waited behind that question until its time was over is not begun', async t => {
  for (const [atMs, expected] of [
    [99, `write 06, deliver 0200|2500|A1`],
    [100, 'write 06, release, authorise expired: its time was over before it was begun'],
  ] as const) {
    const exchange = new Exchange({ askOnOpening: true })
    exchange.opened()
    exchange.command('authorise', SALE, { untilMs: 100 })
    exchange.ack()
    exchange.heard('0260|00|A1|2500|63', atMs)
    t.equal(exchange.settled('duplicate', atMs), expected)
  }
  const exchange = new Exchange()
  t.match(exchange.command('close', {}, { untilMs: 0 }), /^close expired/, 'late before it came')
})

t.test('asked about an earlier payment, it says what came of that one', async t => {
  const about = { verb: 'authorise', values: SALE }
  const ask = (said: string) => {
    const exchange = new Exchange()
    t.equal(exchange.command('last', {}, { about }), 'write 0250|')
    exchange.ack()
    exchange.heard(said)
    return exchange.settled('duplicate')
  }
  t.equal(ask('0260|00|A1|2500|63'), 'write 06, release, last {"traceNumber":"63"}')
  t.match(ask('0260|00|A0|2500|62'), /last rejected, not done: not carried out: .* another one$/)
  t.match(ask('0260|05|A1|2500|63'), /last rejected, not done: the terminal says 05$/)
  const exchange = new Exchange({ repeatLimit: 0 })
  exchange.command('last', {}, { about })
  t.match(exchange.elapsed(), /last unknown: the terminal is silent$/)
})

t.test('a terminal that speaks by itself is journaled and acknowledged', async t => {
  const exchange = new Exchange()
  t.equal(exchange.heard(PAID), `deliver ${PAID}`)
  t.equal(exchange.heard(PAID), 'repeat')
  t.equal(exchange.settled('rejected'), 'write 06')
  t.equal(exchange.noise('checksum'), 'write 15, nak')
  t.equal(exchange.noise('noise'), '')
})

t.test('enq-eot: the line is bid for, and given up', async t => {
  const exchange = new Exchange({ type: 'enq-eot' })
  exchange.command('authorise', SALE)
  t.equal(exchange.settled(), 'write 05')
  t.equal(exchange.ack(), 'write 0200|2500|A1')
  t.equal(exchange.ack(), 'write 04, timer')
  t.equal(exchange.heard('\x05'), 'write 06', 'the terminal bids')
  exchange.heard(PAID)
  t.equal(exchange.settled(), 'write 06, release, authorise {"traceNumber":"63"}')
  t.equal(exchange.heard('\x04'), '')
})

t.test('enq-eot: where both bid the terminal goes first, and then we do', async t => {
  const exchange = new Exchange({ type: 'enq-eot' })
  t.equal(exchange.command('close'), 'write 05')
  t.equal(exchange.heard('\x05'), 'write 06')
  t.equal(exchange.heard('0900|80'), 'deliver 0900|80')
  t.equal(exchange.settled('ignored'), 'write 06, timer')
  t.equal(exchange.heard('\x04'), 'write 05')
  t.equal(exchange.ack(), 'write 0500')
})

t.test('enq-eot: a bid that nobody hears is no payment', async t => {
  const exchange = new Exchange({ type: 'enq-eot', repeatLimit: 1 })
  exchange.command('authorise', SALE)
  exchange.settled()
  t.equal(exchange.elapsed(), 'timeout, repeat, write 05')
  t.match(exchange.elapsed(), /silent, release, authorise timeout/)
})
