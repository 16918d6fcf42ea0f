import t from 'tap'
import { concatBytes, toHex } from '../../../gateway/core/bytes.js'
import { LIMITS } from '../../../gateway/core/limits.js'
import { seededRandom } from '../../../gateway/core/random.js'
import type { DiscardReason } from '../../../gateway/line/framing/framer.js'
import { createLink, linkSchema } from '../../../gateway/line/link/catalog.js'
import type { LinkInput } from '../../../gateway/line/link/link.js'

type Outcome = Extract<LinkInput, { type: 'settled' }>['outcome']

const [ACK, NAK, NAK_COUNTED, LATE, REPEAT] = ['write 06', 'write 15', 'nak', 'late', 'repeat']

/** A link with its state, that says in words what each input makes it do. */
class Exchange {
  readonly #link
  #state: unknown

  constructor(options: Readonly<Record<string, unknown>> = {}) {
    this.#link = createLink(linkSchema.parse({ type: 'ack-nak', ...options }), payload => payload)
    this.#state = this.#link.initial
  }

  frame(text: string, atMs: number): readonly string[] {
    const payload = new TextEncoder().encode(text)
    const raw = concatBytes([Uint8Array.of(2), payload, Uint8Array.of(3)])
    return this.#feed({ type: 'framed', output: { type: 'frame', payload, raw }, atMs })
  }

  garbage(reason: DiscardReason, atMs: number): readonly string[] {
    const output = { type: 'discarded', reason, raw: Uint8Array.of(0xff) } as const
    return this.#feed({ type: 'framed', output, atMs })
  }

  settled(outcome: Outcome, atMs: number): readonly string[] {
    return this.#feed({ type: 'settled', outcome, atMs })
  }

  opened(): readonly string[] {
    return this.#feed({ type: 'opened' })
  }

  #feed(input: LinkInput): readonly string[] {
    const { state, effects } = this.#link.next(this.#state, input)
    this.#state = state
    return effects.map(effect => {
      if (effect.type === 'deliver') return `deliver ${new TextDecoder().decode(effect.payload)}`
      if (effect.type === 'count') return effect.counter
      return effect.type === 'write' ? `write ${toHex(effect.bytes)}` : effect.type
    })
  }
}

t.test('a frame is acknowledged when it is settled, not before', async t => {
  for (const outcome of ['journaled', 'duplicate', 'ignored', 'rejected'] as const) {
    const exchange = new Exchange()
    t.same(exchange.frame('sale', 0), ['deliver sale'])
    t.same(exchange.settled(outcome, 20), [ACK], outcome)
  }
})

t.test('what was refused stays with the terminal', async t => {
  const exchange = new Exchange()
  exchange.frame('sale', 0)
  t.same(exchange.settled('refused', 20), [NAK, NAK_COUNTED])
  t.same(exchange.frame('sale', 40), ['deliver sale'], 'and its repeat is a new try')
})

t.test('answers are what the dialect says', async t => {
  const exchange = new Exchange({ ack: '1030', nak: '1515' })
  exchange.frame('sale', 0)
  t.same(exchange.settled('journaled', 1), ['write 1030'])
  t.same(exchange.garbage('checksum', 2), ['write 1515', NAK_COUNTED])
})

t.test('an answer that would come too late is not given', async t => {
  for (const outcome of ['journaled', 'refused'] as const) {
    const exchange = new Exchange({ answerWithinMs: 100 })
    exchange.frame('sale', 0)
    t.same(exchange.settled(outcome, 101), [LATE], outcome)
    t.same(exchange.frame('sale', 500), ['deliver sale'])
    t.same(exchange.settled('duplicate', 600), [ACK], 'its repeat is answered, in time to the ms')
  }
})

t.test('a repeat during settling is absorbed; one answer, timed from the newest copy', async t => {
  const exchange = new Exchange({ answerWithinMs: 100 })
  exchange.frame('sale', 0)
  t.same(exchange.frame('sale', 150), [REPEAT])
  t.same(exchange.settled('journaled', 240), [ACK])
  t.same(exchange.frame('next', 250), ['deliver next'])
})

t.test('frames are delivered one at a time, in order', async t => {
  const exchange = new Exchange()
  t.same(exchange.frame('one', 0), ['deliver one'])
  t.same(exchange.frame('two', 1), [LATE])
  t.same(exchange.frame('three', 2), [LATE])
  t.same(exchange.settled('journaled', 3), ['deliver two'], 'one was given up: no answer')
  t.same(exchange.settled('journaled', 4), ['deliver three'])
  t.same(exchange.settled('journaled', 5), [ACK], 'the newest is what the terminal waits for')
})

t.test('more frames than the queue holds stay with the terminal', async t => {
  const exchange = new Exchange()
  for (let n = 0; n < LIMITS.linkQueueFrames; n++) exchange.frame(`${n}`, n)
  t.same(exchange.frame('one too many', 100), [LATE, LATE])
  const effects = Array.from({ length: LIMITS.linkQueueFrames }, () =>
    exchange.settled('journaled', 101),
  ).flat()
  t.notOk(effects.includes(ACK), 'the one it waits for is not journaled')
  t.same(exchange.frame('one too many', 5000), ['deliver one too many'])
})

t.test('a line opened anew owes nothing to the old one', async t => {
  const exchange = new Exchange()
  exchange.frame('old', 0)
  exchange.frame('older', 1)
  t.same(exchange.opened(), [])
  t.same(exchange.frame('new', 10), [], 'waits until the old one is settled')
  t.same(exchange.settled('journaled', 11), ['deliver new'], 'and that one is not answered')
  t.same(exchange.settled('journaled', 12), [ACK])
})

t.test('a broken frame draws a NAK, noise and silence do not', async t => {
  for (const reason of ['checksum', 'too-long'] as const)
    t.same(new Exchange().garbage(reason, 0), [NAK, NAK_COUNTED], reason)
  for (const reason of ['noise', 'idle'] as const)
    t.same(new Exchange().garbage(reason, 0), [], reason)
})

t.test('a frame that breaks in several pieces draws one NAK', async t => {
  const exchange = new Exchange({ answerWithinMs: 100 })
  t.same(exchange.garbage('checksum', 0), [NAK, NAK_COUNTED])
  t.same(exchange.garbage('checksum', 30), [])
  t.same(exchange.frame('sale', 60), ['deliver sale'])
  t.same(exchange.settled('journaled', 70), [ACK], 'its repeat is answered')
  t.same(exchange.garbage('checksum', 80), [NAK, NAK_COUNTED], 'and a new broken frame, too')
})

t.test('garbage while an answer is owed draws none', async t => {
  const exchange = new Exchange()
  exchange.frame('sale', 0)
  t.same(exchange.garbage('checksum', 10), [])
  t.same(exchange.settled('journaled', 20), [ACK])
})

t.test('after so many NAKs there is silence until a good frame', async t => {
  const exchange = new Exchange({ repeatLimit: 2, answerWithinMs: 100 })
  const answers = [0, 200, 400, 600].map(atMs => exchange.garbage('checksum', atMs).length > 0)
  t.same(answers, [true, true, false, false])
  exchange.frame('sale', 800)
  exchange.settled('journaled', 810)
  t.same(exchange.garbage('checksum', 900), [NAK, NAK_COUNTED])
})

t.test('unsolicited frames are delivered and never answered', async t => {
  const link = createLink({ type: 'unsolicited' }, payload => payload)
  const payload = Uint8Array.of(65)
  const output = { type: 'frame', payload, raw: payload } as const
  t.match(link.next(link.initial, { type: 'framed', output, atMs: 0 }).effects, [
    { type: 'deliver', payload },
  ])
  const silent: readonly LinkInput[] = [
    { type: 'opened' },
    { type: 'settled', outcome: 'refused', atMs: 0 },
    { type: 'framed', output: { type: 'discarded', reason: 'checksum', raw: payload }, atMs: 0 },
  ]
  for (const input of silent) t.same(link.next(link.initial, input).effects, [], input.type)
})

interface Later<Value> {
  readonly value: Value
  readonly atMs: number
}

/**
 * A stop-and-wait till that numbers its sales and now and then gives one up, a journal as slow and
 * unwilling as the seed says, and a line that delays answers and loses or breaks messages.
 */
class Shop {
  readonly lost: string[] = []
  acknowledged = 0
  readonly #random
  readonly #exchange = new Exchange({ answerWithinMs: 300 })
  readonly #journal = new Set<string>()
  #nowMs = 0
  #sale = 0
  #sentAtMs = Number.NEGATIVE_INFINITY
  #settling: readonly Later<string>[] = []
  #answers: readonly Later<string>[] = []

  constructor(seed: number) {
    this.#random = seededRandom(seed)
  }

  run(untilMs: number): void {
    for (; this.#nowMs < untilMs; this.#nowMs += 5) {
      this.#hear()
      if (this.#nowMs - this.#sentAtMs > 400) this.#send()
      this.#settle()
    }
  }

  #send(): void {
    if (this.#random.unit() < 0.05) this.#sale += 1
    this.#sentAtMs = this.#nowMs
    const fate = this.#random.unit()
    if (fate < 0.7) this.#perform(this.#exchange.frame(`${this.#sale}`, this.#nowMs))
    else if (fate < 0.9)
      for (let pieces = 0; pieces < 2; pieces++)
        this.#perform(this.#exchange.garbage('checksum', this.#nowMs))
  }

  #perform(effects: readonly string[]): void {
    for (const effect of effects) {
      const [verb, value = ''] = effect.split(' ')
      const slow = { value, atMs: this.#nowMs + this.#random.unit() ** 3 * 1500 }
      const prompt = { value: effect, atMs: this.#nowMs + this.#random.unit() * 80 }
      if (verb === 'deliver') this.#settling = [...this.#settling, slow]
      if (verb === 'write') this.#answers = [...this.#answers, prompt]
    }
  }

  #settle(): void {
    const [first, ...others] = this.#settling
    if (first === undefined || first.atMs > this.#nowMs) return
    this.#settling = others
    const isRefused = this.#random.unit() < 0.1
    const isKnown = this.#journal.has(first.value)
    if (!isRefused) this.#journal.add(first.value)
    const outcome = isRefused ? 'refused' : isKnown ? 'duplicate' : 'journaled'
    this.#perform(this.#exchange.settled(outcome, this.#nowMs))
  }

  #hear(): void {
    const [first, ...others] = this.#answers
    if (first === undefined || first.atMs > this.#nowMs) return
    this.#answers = others
    this.#sentAtMs = Number.NEGATIVE_INFINITY
    if (first.value !== ACK) return
    if (!this.#journal.has(`${this.#sale}`)) this.lost.push(`${this.#sale} at ${this.#nowMs}`)
    this.acknowledged += 1
    this.#sale += 1
  }
}

t.test('no sale is acknowledged that is not journaled, whatever is slow or lost', async t => {
  for (let seed = 1; seed <= 40; seed++) {
    const shop = new Shop(seed)
    shop.run(200_000)
    t.same(shop.lost, [], `seed ${seed}: ${shop.acknowledged} sales acknowledged`)
    t.ok(shop.acknowledged > 50)
  }
})
