import t from 'tap'
import { fromHex, toHex } from '../../../gateway/core/bytes.js'
import type { LinkInput } from '../../../gateway/line/link/link.js'
import { encodeBlock, encodeHandshake } from '../../../gateway/protocol/dex/dex-frame.js'
import { DexFramer } from '../../../gateway/protocol/dex/dex-framer.js'
import { DexLink, type DexState } from '../../../gateway/protocol/dex/dex-link.js'

const ID = { communicationId: 'EPHOR00001', revision: 'R01', level: 'L01' } as const
const REQUEST_S = toHex(encodeHandshake({ type: 'request', operation: 'S', ...ID }))
const RESPONSE = toHex(encodeHandshake({ type: 'response', responseCode: '00', ...ID }))

function block(text: string, last: boolean): string {
  return toHex(encodeBlock({ start: 'STX', data: Buffer.from(text), last }))
}

/** A conversation in which time runs only where the test says so. */
class Session {
  readonly #link: DexLink
  readonly #framer = new DexFramer(1024)
  #state: DexState
  #nowMs = 0

  constructor(calls = true) {
    const { communicationId } = ID
    this.#link = new DexLink({ calls, everyMs: 60_000, communicationId })
    this.#state = this.#link.initial
  }

  /** Opened, and the first call is due. */
  open = (): readonly string[] => [...this.#feed({ type: 'opened' }), ...this.elapse()]

  /** The timer runs off; once more where an answer was only waiting for the line to turn. */
  elapse(): readonly string[] {
    const effects = this.#feed({ type: 'elapsed', atMs: this.#nowMs })
    return effects.at(-1) === 'timer 10' ? [...effects.slice(0, -1), ...this.elapse()] : effects
  }

  hear(hex: string, afterMs = 100): readonly string[] {
    this.#nowMs += afterMs
    const outputs = [...this.#framer.push(fromHex(hex)), ...this.#framer.idle()]
    const effects = outputs.flatMap(output =>
      this.#feed({ type: 'framed', output, atMs: this.#nowMs }),
    )
    const [last, ...others] = [effects.at(-1), ...effects.slice(0, -1)]
    return last === 'timer 10' ? [...others, ...this.elapse()] : effects
  }

  settle(
    outcome: Extract<LinkInput, { type: 'settled' }>['outcome'],
    afterMs = 5,
  ): readonly string[] {
    this.#nowMs += afterMs
    const effects = this.#feed({ type: 'settled', outcome, atMs: this.#nowMs })
    return effects.at(-1) === 'timer 10' ? [...effects.slice(0, -1), ...this.elapse()] : effects
  }

  command(verb: string): readonly string[] {
    const command = { id: 'c1', verb, values: {} }
    return this.#feed({ type: 'commanded', command, atMs: this.#nowMs })
  }

  #feed(input: LinkInput): readonly string[] {
    const { state, effects } = this.#link.next(this.#state, input)
    this.#state = state
    return effects.map(effect => {
      if (effect.type === 'write') {
        const { bytes, replyWithinMs = 0 } = effect
        return replyWithinMs > 10_000 ? `${toHex(bytes)} within ${replyWithinMs}` : toHex(bytes)
      }
      if (effect.type === 'deliver') return `deliver ${Buffer.from(effect.payload).toString()}`
      if (effect.type === 'timer') return `timer ${effect.afterMs}`
      if (effect.type === 'answered') return `answered ${effect.outcome.type}`
      return effect.type === 'count' ? effect.counter : effect.type
    })
  }
}

/** Both handshakes with us as master are done, and the machine has the word for its data. */
function beforeData(): Session {
  const session = new Session()
  t.same(session.open().slice(-1), ['05'])
  t.same(session.hear('1030'), ['10014550484f523030303031525230314c30311003385c'])
  t.same(session.hear('1031'), ['04'])
  t.same(session.hear('05'), ['1030'])
  t.same(session.hear(RESPONSE), ['1031'])
  t.same(session.hear('04'), ['timer 2200'])
  return session
}

t.test('we call: both handshakes, blocks, and the last answer behind the journal', async t => {
  // Zzzzipper/projects, DexServerTest.cpp: testMasterFirstHandShake to testRecvData.
  const session = beforeData()
  t.same(session.hear('05'), ['1030'])
  t.same(session.hear(block('!!!!!', false)), ['1031'])
  t.same(session.hear(block('44444', false)), ['1030'])
  const last = session.hear(block('VVVVV', true))
  t.same(last, ['deliver \x02!!!!!44444VVVVV\x03', 'timer 60000'], 'no answer yet')
  t.same(session.settle('journaled'), ['1031'])
  t.same(session.hear('04'), ['release', 'timer 60000'])
})

t.test('the machine calls: roles turn round, and its data come all the same', async t => {
  const session = new Session()
  t.same(session.hear('05'), ['1030'])
  t.same(session.hear(REQUEST_S), ['1031'])
  t.same(session.hear('04'), ['timer 150'])
  t.same(session.elapse(), ['05'])
  t.same(session.hear('1030'), ['100130304550484f5230303030315230314c30311003fe80'])
  t.same(session.hear('1031'), ['04'])
  t.same(session.hear('05'), ['1030'])
  t.match(session.hear(block('all', true)), ['deliver \x02all\x03'])
  t.same(session.settle('duplicate'), ['1031'])
})

t.test('both call at once: the collector gives way, or leads where it is answered', async t => {
  const session = new Session()
  session.open()
  t.same(session.hear('05'), ['1030'])
  t.same(session.hear(REQUEST_S), ['1031'])
  // testSlaveChangeToMasterByDle0.
  const other = new Session()
  other.open()
  t.same(other.hear('05'), ['1030'])
  t.match(other.hear('1030'), [/^1001455/])
})

t.test('a damaged block gets NAK, and the toggle stays', async t => {
  const session = beforeData()
  session.hear('05')
  t.same(session.hear(block('!!!!!', false)), ['1031'])
  t.same(session.hear('1002565656565610031122'), ['nak', '15'])
  t.same(session.hear(block('VVVVV', false)), ['1030'])
})

t.test('an answer that was lost is asked for with ENQ, and given again', async t => {
  const session = beforeData()
  session.hear('05')
  session.hear(block('!!!!!', false))
  t.same(session.hear('05'), ['1031'])
  t.match(session.hear(block('VVVVV', true)), ['deliver \x02!!!!!VVVVV\x03'])
  t.same(session.hear('05'), ['103b within 60000'], 'busy for as long as the journal writes')
  t.same(session.settle('journaled', 3000), ['timer 2200'], 'too late to say it unasked')
  t.same(session.hear('05'), ['1030'])
  t.same(session.hear('04'), ['release', 'timer 60000'])
})

t.test('what the journal refuses is NAKed, and delivered whole again', async t => {
  const session = beforeData()
  session.hear('05')
  session.hear(block('!!!!!', false))
  session.hear(block('VVVVV', true))
  t.same(session.settle('refused'), ['nak', '15'])
  t.match(session.hear(block('VVVVV', true)), ['deliver \x02!!!!!VVVVV\x03'])
  t.same(session.settle('journaled'), ['1030'])
})

t.test('a machine that stops in the middle has told nothing', async t => {
  const session = beforeData()
  session.hear('05')
  session.hear(block('!!!!!', false))
  t.same(session.hear('04'), ['release', 'timer 10000'])
  t.same(session.settle('journaled'), ['late'])
})

t.test('nobody there: called again, then called silent, then called seldom', async t => {
  const session = new Session()
  session.open()
  const said: string[] = []
  while (!said.includes('silent')) said.push(...session.elapse())
  t.equal(said.filter(text => text === '05').length, 14, 'five ENQs a session')
  t.same(said.slice(-4), ['timeout', 'silent', 'release', 'timer 60000'])
})

t.test('an error code in the second handshake ends the session', async t => {
  const session = new Session()
  session.open()
  session.hear('1030')
  session.hear('1031')
  session.hear('05')
  const refusing = toHex(encodeHandshake({ type: 'response', responseCode: '05', ...ID }))
  t.same(session.hear(refusing), ['release', 'timer 10000'])
})

t.test('a command asks for an audit now; another one has to wait', async t => {
  const session = new Session()
  session.command('audit')
  t.same(session.elapse(), ['05'])
  t.same(session.command('audit'), ['answered failed'])
  t.same(session.command('vend'), ['answered failed'])
  t.same(session.hear('103b'), ['timer 300'], 'busy')
  t.same(session.elapse(), ['05'])
})

t.test('a machine that calls by itself is not called', async t => {
  const session = new Session(false)
  t.same(session.open(), ['timer 150'])
  t.same(session.elapse(), [])
  t.same(session.hear('05'), ['1030'])
})

t.test('a file of a session that is over acknowledges no block of the next one', async t => {
  const session = beforeData()
  session.hear('05')
  t.match(session.hear(block('first', true)), ['deliver \x02first\x03'])
  t.match(session.elapse().slice(-2), ['release', 'timer 10000'], 'the journal is slow')
  t.same(session.elapse(), ['05'])
  session.hear('1030')
  session.hear('1031')
  session.hear('05')
  session.hear(RESPONSE)
  session.hear('04')
  session.hear('05')
  t.match(session.hear(block('second', true)), ['deliver \x02second\x03'])
  t.same(session.settle('journaled'), ['late'], 'that was the first')
  t.same(session.settle('journaled'), ['1031'])
})
