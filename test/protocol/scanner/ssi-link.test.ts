import t from 'tap'
import { concatBytes, fromHex, toHex } from '../../../gateway/core/bytes.js'
import { LIMITS } from '../../../gateway/core/limits.js'
import type { LinkInput } from '../../../gateway/line/link/link.js'
import { SsiLink } from '../../../gateway/protocol/scanner/ssi-link.js'

const ACK = 'write 04d00400ff28'
const NAK = /^write 05d10400/
const SCAN = 'f300000b31'
const REPEATED = 'f300010b31'
const OTHER = 'f300000b32'

type Outcome = Extract<LinkInput, { type: 'settled' }>['outcome']

/** What the link does, each effect in a few words. */
class Exchange {
  readonly #link: SsiLink
  #state

  constructor(transport: 'serial' | 'ble' = 'serial') {
    this.#link = new SsiLink(transport)
    this.#state = this.#link.initial
  }

  get segments(): number {
    return this.#state.segments.length
  }

  hear(payload: string | Uint8Array): readonly string[] {
    const raw = typeof payload === 'string' ? fromHex(payload) : payload
    return this.#feed({ type: 'framed', output: { type: 'frame', payload: raw, raw }, atMs: 0 })
  }

  broken(reason: 'checksum' | 'noise'): readonly string[] {
    const raw = Uint8Array.of(4)
    return this.#feed({ type: 'framed', output: { type: 'discarded', reason, raw }, atMs: 0 })
  }

  settle = (outcome: Outcome): readonly string[] =>
    this.#feed({ type: 'settled', outcome, atMs: 0 })

  #feed(input: LinkInput): readonly string[] {
    const { state, effects } = this.#link.next(this.#state, input)
    this.#state = state
    return effects.map(effect => {
      if (effect.type === 'write') return `write ${toHex(effect.bytes)}`
      if (effect.type === 'deliver') return `deliver ${toHex(effect.payload)}`
      return effect.type === 'count' ? effect.counter : effect.type
    })
  }
}

t.test('a scan is acknowledged once it is settled, never before', async t => {
  for (const outcome of ['journaled', 'duplicate', 'rejected', 'ignored'] as const) {
    const scanner = new Exchange()
    t.same(scanner.hear(SCAN), [`deliver ${SCAN}`])
    t.same(scanner.settle(outcome), [ACK], outcome)
  }
})

t.test('what was refused is not answered: the scanner says it again, and it is taken', async t => {
  const scanner = new Exchange()
  scanner.hear(SCAN)
  t.same(scanner.settle('refused'), [])
  t.same(scanner.hear(REPEATED), [`deliver ${REPEATED}`])
  t.same(scanner.settle('journaled'), [ACK])
})

t.test('a repeat is no second scan, and is answered', async t => {
  const scanner = new Exchange()
  scanner.hear(SCAN)
  t.same(scanner.hear(REPEATED), ['repeat'], 'while the first is being settled')
  t.same(scanner.settle('journaled'), [ACK])
  t.same(scanner.hear(REPEATED), ['repeat', ACK], 'when its ACK was lost')
  t.same(scanner.hear(SCAN), [`deliver ${SCAN}`], 'without the bit it was scanned twice')
})

t.test('a repeat whose first copy never came is a scan', async t => {
  const scanner = new Exchange()
  t.same(scanner.hear(REPEATED), [`deliver ${REPEATED}`])
  scanner.settle('journaled')
  t.same(scanner.hear('f300010b33'), ['deliver f300010b33'], 'and so is another code')
})

t.test('one at a time, in order', async t => {
  const scanner = new Exchange()
  t.same(scanner.hear(SCAN), [`deliver ${SCAN}`])
  t.same(scanner.hear(OTHER), [])
  t.same(scanner.settle('journaled'), [`deliver ${OTHER}`], 'an ACK would be taken for the other')
  t.same(scanner.settle('journaled'), [ACK])
})

t.test('what nobody waits for is heard and not answered', async t => {
  const scanner = new Exchange()
  t.same(scanner.hear('d00080'), ['deliver d00080'])
  t.same(scanner.settle('ignored'), [])
  t.same(scanner.hear('f6000020'), ['deliver f6000020'])
  t.same(scanner.settle('ignored'), [ACK], 'an event has to be acknowledged')
  t.same(scanner.hear('d00400'), [], 'a host’s own packet is none of the scanner’s')
})

t.test('after its initialisation a scanner wants HOST_ACK', async t => {
  const scanner = new Exchange()
  scanner.hear('910000')
  scanner.settle('ignored')
  scanner.hear(SCAN)
  t.match(scanner.settle('journaled'), [/^write 04960400/])
})

t.test('a broken packet is asked for again, three times in a row at most', async t => {
  const scanner = new Exchange()
  for (let time = 0; time < 3; time += 1) t.match(scanner.broken('checksum'), [NAK, 'nak'])
  t.same(scanner.broken('checksum'), [])
  t.same(scanner.broken('noise'), [])
  scanner.hear('d00080')
  t.match(scanner.broken('checksum'), [NAK, 'nak'])
})

t.test('more than may wait is not taken, and not answered', async t => {
  const scanner = new Exchange()
  for (let code = 0; code < LIMITS.linkQueueFrames + 5; code += 1)
    scanner.hear(Uint8Array.of(0xf3, 0, 0, 0x0b, code))
  let settled = 0
  while (scanner.settle('journaled').length > 0) settled += 1
  t.equal(settled, LIMITS.linkQueueFrames)
})

t.test('over BLE an answer stands behind its length', async t => {
  const scanner = new Exchange('ble')
  scanner.hear(SCAN)
  t.same(scanner.settle('journaled'), ['write 080004d00400ff28'])
})

/** 500 letters: as SsiParserTest of enioka_scan has them (Apache-2.0, @ 8903c3c8143f). */
const letters = (count: number): Uint8Array => Buffer.from('Z'.repeat(count))
const FIRST = concatBytes([fromHex('73020000f3000001f71c0101f4'), letters(241)])
const SECOND = concatBytes([fromHex('73000001'), letters(250)])
const THIRD = concatBytes([fromHex('73000002'), letters(9)])

t.test('a long code comes in segments, and is one scan', async t => {
  const scanner = new Exchange()
  t.match(scanner.hear(FIRST), [/^write 04740400/])
  t.match(scanner.hear(SECOND), [/^write 04740400/])
  t.equal(scanner.segments, 2)
  const text = toHex(letters(500))
  t.same(scanner.hear(THIRD), [`deliver f300001c0101f4${text}`])
  t.equal(scanner.segments, 0)
  t.same(scanner.settle('journaled'), [ACK])
})

t.test('a segment that is missing makes no scan', async t => {
  const scanner = new Exchange()
  scanner.hear(FIRST)
  t.match(scanner.hear(THIRD), [NAK])
  t.match(scanner.hear(SECOND), [NAK], 'nor does one without a beginning')
  t.equal(scanner.segments, 0)
})

t.test(
  'a segment that is said again, marked as a repeat, is answered and not taken twice',
  async t => {
    const again = (segment: Uint8Array): Uint8Array =>
      segment.map((byte, at) => (at === 2 ? byte | 1 : byte))
    const scanner = new Exchange()
    scanner.hear(FIRST)
    scanner.hear(SECOND)
    t.match(scanner.hear(again(SECOND)), ['repeat', /^write 04740400/])
    t.equal(scanner.segments, 2)
    scanner.hear(THIRD)
    scanner.settle('journaled')
    t.same(scanner.hear(again(THIRD)), ['repeat', ACK])
    t.match(scanner.hear(again(FIRST)), [/^write 04740400/], 'or the whole code anew')
    scanner.hear(again(SECOND))
    t.same(scanner.hear(again(THIRD)), ['repeat', ACK])
  },
)
