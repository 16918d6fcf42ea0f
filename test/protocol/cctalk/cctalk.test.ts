import t from 'tap'
import { fromHex, toHex } from '../../../gateway/core/bytes.js'
import { LIMITS } from '../../../gateway/core/limits.js'
import { seededRandom } from '../../../gateway/core/random.js'
import type { LinkCommand, LinkInput } from '../../../gateway/line/link/link.js'
import { Cctalk, cctalkSchema } from '../../../gateway/protocol/cctalk/cctalk.js'
import { countNew } from '../../../gateway/protocol/cctalk/cctalk-events.js'
import { CctalkLink } from '../../../gateway/protocol/cctalk/cctalk-link.js'
import { encodePacket } from '../../../gateway/protocol/cctalk/cctalk-packet.js'
import type { Reading } from '../../../gateway/protocol/protocol.js'
import { changed, hear } from '../hear.js'

const OPTIONS = {
  type: 'cctalk',
  device: 'coin-acceptor',
  address: 2,
  currency: 'EUR',
  values: { '1': 10, '2': 20, '3': 50, '4': 100, '5': 200 },
} as const

t.test('the counter runs from 1 to 255 and goes on with 1', async t => {
  // PierreBeucher/ccTalk4j, BillEventHandlerTest.
  t.equal(countNew(40, 42), 2)
  t.equal(countNew(127, 131), 4)
  t.equal(countNew(255, 1), 1)
  t.equal(countNew(255, 3), 3)
  t.equal(countNew(0, 2), 2)
  t.equal(countNew(9, 0), 0)
})

/** What the link does, each effect in a few words. */
class Exchange {
  readonly #link = new CctalkLink({
    address: 2,
    checksum: 'sum',
    pollHeader: 229,
    everyMs: 100,
    replyWithinMs: 40,
  })
  #state = this.#link.initial

  opened = (): readonly string[] => this.#feed({ type: 'opened' })
  elapsed = (atMs = 0): readonly string[] => this.#feed({ type: 'elapsed', atMs })

  hear(packet: Uint8Array): readonly string[] {
    const output = { type: 'frame', payload: packet, raw: packet } as const
    return this.#feed({ type: 'framed', output, atMs: 0 })
  }

  command(verb: string, within: Pick<LinkCommand, 'untilMs'> = {}): readonly string[] {
    const command = { id: 'c', verb, values: {}, ...within }
    return this.#feed({ type: 'commanded', command, atMs: 0 })
  }

  #feed(input: LinkInput): readonly string[] {
    const { state, effects } = this.#link.next(this.#state, input)
    this.#state = state
    return effects.map(effect => {
      if (effect.type === 'write') return `write ${toHex(effect.bytes)} ${effect.replyWithinMs}`
      if (effect.type === 'timer') return `timer ${effect.afterMs}`
      if (effect.type === 'answered') return `answered ${effect.outcome.type}`
      return effect.type === 'count' ? effect.counter : effect.type
    })
  }
}

function told(...data: readonly number[]): Uint8Array {
  const all = [...data, ...Array.from({ length: 11 - data.length }, () => 0)]
  return encodePacket({ destination: 1, source: 2, header: 0, data: Uint8Array.from(all) }, 'sum')
}

const POLL = encodePacket({ destination: 2, source: 1, header: 229, data: fromHex('') }, 'sum')

t.test('the host skips its own echo, and delivers what is new behind what was', async t => {
  const exchange = new Exchange()
  t.same(exchange.opened(), [`write ${toHex(POLL)} 40`])
  t.same(exchange.hear(POLL), [], 'what it hears of itself')
  t.same(exchange.hear(told(7, 1, 0)), ['release', 'timer 100'], 'what was before is not news')
  exchange.elapsed()
  t.same(exchange.hear(told(7, 1, 0)), ['release', 'timer 100'])
  exchange.elapsed()
  t.same(exchange.hear(told(8, 2, 0, 1, 0)), ['deliver', 'release', 'timer 100'])
  t.same(exchange.hear(told(9, 2, 0)), ['late'])
})

t.test('a silent device is asked less', async t => {
  const exchange = new Exchange()
  exchange.opened()
  const said: string[] = []
  for (let round = 0; round < 20; round += 1) said.push(...exchange.elapsed())
  t.equal(said.filter(text => text === 'silent').length, 1)
  t.same(said.slice(-2), ['timer 1000', `write ${toHex(POLL)} 40`])
})

t.test('enable and disable are carried out between polls', async t => {
  const exchange = new Exchange()
  exchange.opened()
  t.same(exchange.command('enable'), [])
  exchange.hear(told(0))
  t.match(exchange.elapsed(), [/^write 020201e7ffff/])
  const ack = encodePacket({ destination: 1, source: 2, header: 0, data: fromHex('') }, 'sum')
  t.same(exchange.hear(ack), ['release', 'timer 100'], 'each coin is let in')
  t.match(exchange.elapsed(), [/^write 020101e401/])
  t.same(exchange.hear(ack), ['answered successful', 'release', 'timer 100'])
  exchange.elapsed()
  exchange.command('disable')
  exchange.hear(told(0))
  exchange.elapsed()
  t.match(exchange.elapsed(), ['timeout', 'answered failed'])
  t.same(exchange.command('dance'), ['answered failed'])
})

t.test('a changed byte makes no other credit', async t => {
  const seed = 20_261_130
  for (const checksum of ['sum', 'crc'] as const) {
    const protocol = new Cctalk(cctalkSchema.parse({ ...OPTIONS, checksum }))
    const random = seededRandom(seed)
    const wrong: unknown[] = []
    for (let round = 0; round < 3000; round += 1) {
      const moneyType = 1 + Math.floor(random.unit() * 5)
      const readings = hear(protocol, changed(protocol.encode('credit', { moneyType }), random))
      const credits = readings.flatMap(creditsOf)
      if (credits.some(credit => credit !== moneyType)) wrong.push({ moneyType, readings })
    }
    t.strictSame(wrong.slice(0, 1), [], `${checksum}, seed ${seed}`)
  }
})

t.test('a damaged counter makes no credit, even where the checksum fits', async t => {
  const protocol = new Cctalk(cctalkSchema.parse(OPTIONS))
  const before = told(20, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0)
  for (let counter = 1; counter <= 255; counter += 1) {
    const same = told(counter, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0)
    const credits = hear(protocol, Uint8Array.of(...before, ...same)).flatMap(creditsOf)
    // Five new ones at once leave nothing in common to compare.
    if (counter !== 25) t.same(credits, [], `${counter}`)
  }
})

function creditsOf(reading: Reading): readonly unknown[] {
  const messages = reading.type === 'messages' ? reading.messages : []
  return messages.flatMap(({ name, fields: { moneyType } }) =>
    name === 'credit' ? [moneyType] : [],
  )
}

t.test('what waits for longer than it may is not begun; what has begun is finished', async t => {
  const exchange = new Exchange()
  exchange.opened()
  exchange.command('enable', { untilMs: 150 })
  exchange.command('disable', { untilMs: 150 })
  exchange.hear(told(0))
  t.match(exchange.elapsed(100), [/^write 020201e7ffff/])
  const ack = encodePacket({ destination: 1, source: 2, header: 0, data: fromHex('') }, 'sum')
  exchange.hear(ack)
  t.match(exchange.elapsed(200), ['answered failed', /^write 020101e401/])
  t.match(exchange.hear(ack), ['answered successful'])
  t.match(exchange.elapsed(300), [`write ${toHex(POLL)} 40`])
})

t.test('so many commands wait at most', async t => {
  const exchange = new Exchange()
  exchange.opened()
  for (let n = 0; n < LIMITS.linkQueueFrames; n += 1) t.same(exchange.command('disable'), [])
  t.same(exchange.command('disable'), ['answered failed'])
})
