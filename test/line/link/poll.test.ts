import t from 'tap'
import { fromHex, toHex } from '../../../gateway/core/bytes.js'
import type { LinkInput } from '../../../gateway/line/link/link.js'
import { PollLink, pollSchema } from '../../../gateway/line/link/poll.js'

const OPTIONS = { type: 'poll', requests: ['57', '5a'], everyMs: 100, replyWithinMs: 40 } as const

/** What the link does, each effect in a few words. */
class Exchange {
  readonly #link: PollLink
  #state

  constructor(options: Readonly<Record<string, unknown>> = {}) {
    this.#link = new PollLink(pollSchema.parse({ ...OPTIONS, ...options }))
    this.#state = this.#link.initial
  }

  opened = (): readonly string[] => this.#feed({ type: 'opened' })
  elapsed = (): readonly string[] => this.#feed({ type: 'elapsed', atMs: 0 })
  settled = (): readonly string[] => this.#feed({ type: 'settled', outcome: 'journaled', atMs: 0 })

  frame(hex: string): readonly string[] {
    const raw = fromHex(hex)
    return this.#feed({ type: 'framed', output: { type: 'frame', payload: raw, raw }, atMs: 0 })
  }

  commanded = (id: string, verb = 'poll'): readonly string[] =>
    this.#feed({ type: 'commanded', command: { id, verb, values: {} }, atMs: 0 })

  #feed(input: LinkInput): readonly string[] {
    const { state, effects } = this.#link.next(this.#state, input)
    this.#state = state
    return effects.map(effect => {
      if (effect.type === 'write') return `write ${toHex(effect.bytes)} ${effect.replyWithinMs}`
      if (effect.type === 'deliver') return `deliver ${toHex(effect.raw)}`
      if (effect.type === 'timer') return `timer ${effect.afterMs}`
      if (effect.type === 'answered') return `${effect.id} ${effect.outcome.type}`
      return effect.type === 'count' ? effect.counter : effect.type
    })
  }
}

t.test('requests take turns, each after the answer to the one before', async t => {
  const exchange = new Exchange()
  t.same(exchange.opened(), ['write 57 40'])
  t.same(exchange.frame('01'), ['deliver 01', 'release', 'timer 100'])
  t.same(exchange.settled(), [])
  t.same(exchange.elapsed(), ['write 5a 40'])
  t.same(exchange.frame('02'), ['deliver 02', 'release', 'timer 100'])
  t.same(exchange.elapsed(), ['write 57 40'])
})

t.test('what has not changed since the same request is said once', async t => {
  const exchange = new Exchange({ requests: ['57'] })
  exchange.opened()
  t.match(exchange.frame('01'), ['deliver 01'])
  exchange.elapsed()
  t.same(exchange.frame('01'), ['release', 'timer 100'])
  exchange.elapsed()
  t.match(exchange.frame('02'), ['deliver 02'])
  const all = new Exchange({ requests: ['57'], onlyChanges: false })
  all.opened()
  t.match(all.frame('01'), ['deliver 01'])
  all.elapsed()
  t.match(all.frame('01'), ['deliver 01'])
})

t.test('an absent terminal is called silent once, asked less, and heard again', async t => {
  const exchange = new Exchange({ requests: ['57'], absentAfter: 2 })
  exchange.opened()
  t.same(exchange.elapsed(), ['timeout', 'release', 'timer 100'])
  exchange.elapsed()
  t.same(exchange.elapsed(), ['timeout', 'silent', 'release', 'timer 1000'])
  exchange.elapsed()
  t.same(exchange.elapsed(), ['timeout', 'release', 'timer 1000'])
  exchange.elapsed()
  t.same(exchange.frame('01'), ['deliver 01', 'release', 'timer 100'])
})

t.test('an answer behind its time is nobody’s', async t => {
  const exchange = new Exchange({ requests: ['57'] })
  exchange.opened()
  exchange.elapsed()
  t.same(exchange.frame('01'), ['late'])
})

t.test('a command is answered: there is none', async t => {
  const link = new PollLink(pollSchema.parse(OPTIONS))
  const command = { id: '1', verb: 'zero', values: {} }
  const { effects } = link.next(link.initial, { type: 'commanded', command, atMs: 0 })
  t.match(effects, [{ type: 'answered', id: '1', outcome: { reason: 'unsupported' } }])
})

t.test('told to ask now it asks now, and says again what has not changed', async t => {
  const exchange = new Exchange({ requests: ['57'] })
  exchange.opened()
  exchange.frame('01')
  t.same(exchange.commanded('a'), ['write 57 40'])
  t.same(exchange.commanded('b'), [], 'the answer that is awaited will do')
  t.same(exchange.frame('01'), [
    'deliver 01',
    'a successful',
    'b successful',
    'release',
    'timer 100',
  ])
  exchange.elapsed()
  t.same(exchange.frame('01'), ['release', 'timer 100'])
  exchange.commanded('c')
  t.same(exchange.elapsed(), ['timeout', 'c failed', 'release', 'timer 100'])
  t.same(exchange.commanded('d', 'dance'), ['d failed'])
})
