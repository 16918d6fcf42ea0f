import t from 'tap'
import type { LinkEffect, LinkInput } from '../../../gateway/line/link/link.js'
import { ReceiptLink, type ReceiptTiming } from '../../../gateway/protocol/esc-pos/receipt-link.js'

const TIMING = { silenceMs: 5000, drawerWithinMs: 2000, maxReceiptBytes: 1000 }
const CUT = '\x1dV\x00'
const PULSE = '\x1bp0<x'

/** What the link does, each effect in a few words. */
class Exchange {
  readonly #link: ReceiptLink
  #state

  constructor(timing: Partial<ReceiptTiming> = {}) {
    this.#link = new ReceiptLink({ ...TIMING, ...timing })
    this.#state = this.#link.initial
  }

  elapsed = (): readonly string[] => this.#feed({ type: 'elapsed', atMs: 0 })
  piece = (latin1: string): readonly string[] =>
    this.#feed({ type: 'framed', output: frameOf(latin1), atMs: 0 })

  ended(of: 'line' | 'sender', ...pieces: readonly string[]): readonly string[] {
    const step = this.#link.ended(this.#state, { of, rest: pieces.map(frameOf) })
    this.#state = step.state
    return step.effects.map(described)
  }

  #feed(input: LinkInput): readonly string[] {
    const { state, effects } = this.#link.next(this.#state, input)
    this.#state = state
    return effects.map(described)
  }
}

function frameOf(latin1: string) {
  const raw = Uint8Array.from(Buffer.from(latin1, 'latin1'))
  return { type: 'frame', payload: raw, raw } as const
}

function described(effect: LinkEffect): string {
  if (effect.type === 'deliver') return Buffer.from(effect.payload).toString('latin1')
  return effect.type === 'timer' ? `timer ${effect.afterMs}` : effect.type
}

t.test('a pulse within its time belongs to the receipt before it', async t => {
  const exchange = new Exchange()
  t.strictSame(exchange.piece(`one\n${CUT}`), ['timer 2000'])
  t.strictSame(exchange.piece('\x1b@'), [], 'commands that print nothing put nothing off')
  t.strictSame(exchange.piece(PULSE), [`one\n${CUT}\x1b@${PULSE}`])
  t.strictSame(exchange.elapsed(), [])
})

t.test('a pulse after its time is on its own, or begins the next receipt', async t => {
  const exchange = new Exchange()
  exchange.piece(`one\n${CUT}`)
  t.strictSame(exchange.elapsed(), [`one\n${CUT}`])
  t.strictSame(exchange.piece(PULSE), ['timer 5000'])
  t.strictSame(exchange.piece(`two\n${CUT}`), [`${PULSE}two\n${CUT}`], 'it has its pulse: no wait')
  exchange.piece(PULSE)
  t.strictSame(exchange.elapsed(), [PULSE])
})

t.test('text behind a cut is another receipt', async t => {
  const exchange = new Exchange()
  exchange.piece(`one\n${CUT}`)
  t.strictSame(exchange.piece(`two\n${CUT}`), [`one\n${CUT}`, 'timer 2000'])
})

t.test('a pause within a receipt does not end it, silence does', async t => {
  const exchange = new Exchange()
  t.strictSame(exchange.piece('bread\n'), ['timer 5000'])
  t.strictSame(exchange.piece('milk\n'), ['timer 5000'])
  t.strictSame(exchange.piece('\x10\x04\x01'), [], 'a register that asks does not put it off')
  t.strictSame(exchange.elapsed(), ['bread\nmilk\n\x10\x04\x01'])
})

t.test('code page and national set hold for the receipts that follow', async t => {
  const exchange = new Exchange({ drawerWithinMs: 0 })
  exchange.piece(`\x1b@\x1bt\x02\x1bR\x02one\n${CUT}`)
  t.strictSame(exchange.piece(`two\n${CUT}`), [`\x1bt\x02\x1bR\x02two\n${CUT}`])
  exchange.piece(`\x1b@three\n${CUT}`)
  t.strictSame(exchange.piece(`four\n${CUT}`), [`four\n${CUT}`])
})

t.test('a footer ends a receipt as a cut does', async t => {
  const exchange = new Exchange({ footer: 'Thank you', drawerWithinMs: 0 })
  t.strictSame(exchange.piece('one\nThank you\n'), ['one\nThank you\n'])
})

t.test('what a line leaves behind is delivered', async t => {
  const exchange = new Exchange()
  exchange.piece(`one\n${CUT}`)
  t.strictSame(exchange.ended('line', 'two\n'), [`one\n${CUT}`, 'timer 5000', 'two\n'])
  t.strictSame(new Exchange().ended('line'), [])
})

t.test(
  'a till that hangs up ends what it printed, and may call again to open the drawer',
  async t => {
    const exchange = new Exchange()
    exchange.piece(`one\n${CUT}`)
    t.strictSame(exchange.ended('sender'), [])
    t.strictSame(exchange.piece(PULSE), [`one\n${CUT}${PULSE}`])
    exchange.piece('two\n')
    t.strictSame(exchange.ended('sender'), ['two\n'])
  },
)

t.test('what it holds is bounded', async t => {
  const exchange = new Exchange()
  exchange.piece('x'.repeat(900))
  t.strictSame(exchange.piece('y'.repeat(200)), ['x'.repeat(900), 'timer 5000'])
  const asking = new Exchange()
  asking.piece('\x10\x04\x01')
  const delivered = Array.from({ length: 200 }, () => asking.piece('\x10\x04\x01')).flat()
  t.ok(delivered.length >= 2, `${delivered.length} effects of 200 requests`)
})

t.test('a tap never writes, whatever it is told to', async t => {
  const link = new ReceiptLink(TIMING)
  const command = { id: '1', verb: 'print', values: {} }
  const { effects } = link.next(link.initial, { type: 'commanded', command, atMs: 0 })
  t.match(effects, [{ type: 'answered', outcome: { reason: 'unsupported' } }])
})
