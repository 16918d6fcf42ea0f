import t from 'tap'
import { toHex } from '../../../gateway/core/bytes.js'
import type { LinkEffect, LinkInput } from '../../../gateway/line/link/link.js'
import { encodeApdu } from '../../../gateway/protocol/zvt/apdu.js'
import { EcrLink } from '../../../gateway/protocol/zvt/ecr-link.js'
import type { EcrState } from '../../../gateway/protocol/zvt/ecr-state.js'
import { ACK, NAK } from '../../../gateway/protocol/zvt/serial-framer.js'

const LINK = new EcrLink({
  line: 'serial',
  currency: 'EUR',
  amountMayDiffer: false,
  password: '000000',
  configByte: 0x18,
  t2Ms: 5000,
  t3Ms: 5000,
  t4Ms: 180_000,
})

/** One moment of a conversation: copies of it can be led on in different ways. */
class Moment {
  readonly state: EcrState
  /** Of the last input. */
  readonly effects: readonly LinkEffect[]

  constructor(state: EcrState = LINK.initial, effects: readonly LinkEffect[] = []) {
    this.state = state
    this.effects = effects
  }

  feed(input: LinkInput): Moment {
    const { state, effects } = LINK.next(this.state, input)
    return new Moment(state, effects)
  }

  ack = (atMs = 0): Moment => this.frame(Uint8Array.of(ACK), atMs)
  nak = (): Moment => this.frame(Uint8Array.of(NAK))
  elapsed = (): Moment => this.feed({ type: 'elapsed', atMs: 0 })
  settled = (): Moment => this.feed({ type: 'settled', outcome: 'journaled', atMs: 0 })
  pay = (): Moment => this.command('authorise', { amountMinor: 1250 })

  frame(payload: Uint8Array, atMs = 0): Moment {
    return this.feed({ type: 'framed', output: { type: 'frame', payload, raw: payload }, atMs })
  }

  /** Said by the terminal, and journaled where it has to be. */
  heard(control: string, data = ''): Moment {
    const said = this.frame(encodeApdu({ control, data: Buffer.from(data, 'hex') }))
    return said.state.settling === undefined ? said : said.settled()
  }

  command(
    verb: string,
    values: Readonly<Record<string, number>> = {},
    more: { readonly untilMs?: number } = {},
  ): Moment {
    const command = { id: verb, verb, values, ...more }
    return this.feed({ type: 'commanded', command, atMs: 0 })
  }

  /** What a terminal that hears all of it is told, up to its end. */
  carriedOut(end: string): Moment {
    return this.ack().heard('8000').heard(end)
  }

  get writes(): readonly Uint8Array[] {
    return this.effects.flatMap(effect => (effect.type === 'write' ? [effect.bytes] : []))
  }

  get described(): string {
    return this.effects.map(described).join(', ')
  }
}

function described(effect: LinkEffect): string {
  switch (effect.type) {
    case 'write':
      return `write ${nameOf(effect.bytes)}`
    case 'deliver':
      return `deliver ${toHex(effect.payload.subarray(0, 2))}`
    case 'answered':
      return effect.outcome.type === 'successful'
        ? `${effect.id} successful`
        : `${effect.id} ${effect.outcome.reason}: ${effect.outcome.detail}`
    case 'timer':
      return `timer ${effect.afterMs}`
    case 'count':
      return effect.counter
    default:
      return effect.type
  }
}

const nameOf = (bytes: Uint8Array): string =>
  bytes.length === 1 ? toHex(bytes) : toHex(bytes.subarray(2, 4))

/** Registered, asked for the last status, and all of it acknowledged. */
function ready(): Moment {
  const registered = new Moment().feed({ type: 'opened' }).settled().carriedOut('060F')
  return registered.ack().settled().carriedOut('060F').ack()
}

/** A command is through, and the answer to its completion is not acknowledged yet. */
function answered(): Moment {
  return ready().command('status').carriedOut('060F')
}

t.test('the next payment waits until the last answer is acknowledged', async t => {
  const waiting = answered().pay()
  t.equal(waiting.described, '')
  t.equal(waiting.ack().described, 'deliver 0601')
  t.equal(waiting.ack().settled().described, 'write 0601')
})

t.test('a payment whose time is over when its turn comes is not begun', async t => {
  const waiting = answered().command('authorise', { amountMinor: 1250 }, { untilMs: 100 })
  t.equal(waiting.ack(99).described, 'deliver 0601')
  const late = waiting.ack(100)
  t.equal(late.described, 'authorise expired: its time was over before it was begun')
  t.equal(late.pay().described, 'deliver 0601', 'and the next one is')
})

t.test('a NAK to the last answer repeats that, and not the payment', async t => {
  const refused = answered().pay().nak()
  t.equal(refused.described, 'write 8000, repeat')
  t.equal(refused.ack().settled().described, 'write 0601')
})

t.test('an answer that is never acknowledged: the payment was not sent', async t => {
  const silent = answered().pay().elapsed().elapsed().elapsed()
  t.equal(
    silent.described,
    'timeout, silent, authorise rejected: the terminal is silent, deliver 00',
  )
  t.equal(silent.settled().described, 'timer 5000')
  t.equal(silent.settled().elapsed().described, 'write 0600')
})

t.test('of two copies of an answer both acknowledgements are waited for', async t => {
  const late = answered().pay().elapsed().ack()
  t.equal(late.described, 'timer 5000', 'the second may be a NAK')
  t.equal(late.nak().described, 'deliver 0601')
  t.equal(late.elapsed().described, 'deliver 0601', 'its time is over')
  const doubtful = late.elapsed().settled().nak()
  t.equal(doubtful.described, 'timeout, silent, deliver 00', 'whose NAK is it?')
  const idle = answered().elapsed().ack()
  t.equal(idle.elapsed().pay().described, 'deliver 0601', 'and was before the payment came')
})

t.test('a payment is repeated once after a NAK, and asked for after two', async t => {
  const sent = answered().ack().pay().settled()
  const again = sent.nak()
  t.equal(again.described, 'write 0601, repeat')
  t.equal(again.nak().described, 'timeout, silent, deliver 00')
  t.equal(sent.elapsed().described, 'timeout, silent, deliver 00')
})

t.test('a registration that is refused is tried again once its end is acknowledged', async t => {
  const refused = new Moment().feed({ type: 'opened' }).settled().carriedOut('061E')
  t.equal(refused.described, 'write 8000')
  t.equal(refused.ack().described, 'timer 5000')
  t.equal(refused.nak().ack().elapsed().described, 'write 0600')
})

/** What the terminal has heard and not acknowledged yet. */
interface Pending {
  readonly isPayment: boolean
  /** Times that the till's timer elapsed over it: an acknowledgement is late once at most. */
  readonly elapsed: number
}

interface Play {
  readonly moment: Moment
  readonly pending: readonly Pending[]
  readonly taken: number
  readonly way: string
}

function after(play: Play, moment: Moment, step: string): Play {
  const written = moment.writes
    .filter(({ length }) => length > 1)
    .map(bytes => ({ isPayment: nameOf(bytes) === '0601', elapsed: 0 }))
  return { ...play, moment, pending: [...play.pending, ...written], way: `${play.way} ${step}` }
}

/** Everything that can happen next. */
function continuations(play: Play): readonly Play[] {
  const { moment, pending, taken } = play
  if (moment.state.settling !== undefined) return [after(play, moment.settled(), 'journaled')]
  const [oldest, ...rest] = pending
  const left = { ...play, pending: rest }
  const answers =
    oldest === undefined
      ? []
      : [
          after({ ...left, taken: taken + (oldest.isPayment ? 1 : 0) }, moment.ack(), 'ACK'),
          after(left, moment.nak(), 'NAK'),
          // It was whole, and its ACK is lost.
          { ...left, taken: taken + (oldest.isPayment ? 1 : 0), way: `${play.way} lost` },
        ]
  const aged = pending.flatMap(one => (one.elapsed > 0 ? [] : [{ ...one, elapsed: 1 }]))
  return [...answers, after({ ...play, pending: aged }, moment.elapsed(), 'elapsed')]
}

t.test('whatever is acknowledged when, no payment is taken twice', async t => {
  const moment = answered()
  const last = after({ moment, pending: [], taken: 0, way: '' }, moment, 'answered')
  let plays: readonly Play[] = [after(last, moment.pay(), 'pay')]
  let ways = 0
  let payments = 0
  for (let depth = 0; depth < 11; depth += 1) {
    plays = plays.flatMap(continuations)
    ways += plays.length
    payments += plays.filter(({ taken }) => taken === 1).length
    const twice = plays.find(({ taken }) => taken > 1)
    if (twice !== undefined) t.fail(twice.way)
    plays = plays.filter(({ taken }) => taken <= 1)
  }
  t.ok(payments > 1000, `${ways} ways, ${payments} with a payment`)
})
