import t from 'tap'
import { fromHex, toHex } from '../../../gateway/core/bytes.js'
import type { Link, LinkInput } from '../../../gateway/line/link/link.js'
import { createProtocol, protocolSchema } from '../../../gateway/protocol/catalog.js'

/** What a protocol's link does, each effect in a few words. */
class Exchange {
  readonly #link: Link<unknown>
  #state: unknown

  constructor(options: Readonly<Record<string, unknown>>) {
    this.#link = createProtocol(protocolSchema.parse(options)).link
    this.#state = this.#link.initial
  }

  opened = (): readonly string[] => this.feed({ type: 'opened' })
  elapsed = (): readonly string[] => this.feed({ type: 'elapsed', atMs: 0 })

  hear(payload: string | Uint8Array): readonly string[] {
    const raw = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload
    return this.feed({ type: 'framed', output: { type: 'frame', payload: raw, raw }, atMs: 0 })
  }

  command(verb: string, id = 'one'): readonly string[] {
    return this.feed({ type: 'commanded', command: { id, verb, values: {} }, atMs: 0 })
  }

  feed(input: LinkInput): readonly string[] {
    const { state, effects } = this.#link.next(this.#state, input)
    this.#state = state
    return effects.map(effect => {
      if (effect.type === 'write') return `write ${toHex(effect.bytes)}`
      if (effect.type === 'deliver') return `deliver ${Buffer.from(effect.raw).toString('latin1')}`
      if (effect.type === 'count') return effect.counter
      if (effect.type !== 'answered') return effect.type
      const { outcome } = effect
      return `${effect.id} ${outcome.type === 'failed' ? outcome.reason : outcome.type}`
    })
  }
}

const ENQ = 'write 05'
const DC1 = 'write 11'

t.test('CAS: the weight is asked for once the scale is ready, and said once', async t => {
  const cas = new Exchange({ type: 'cas-tedc1' })
  t.same(cas.opened(), [ENQ])
  t.same(cas.hear(fromHex('06')), [DC1])
  t.same(cas.hear('S 00.735kg'), ['deliver S 00.735kg', 'release', 'timer'])
  t.same(cas.hear(fromHex('06')), ['late'], 'an ACK that nobody waits for asks for nothing')
  t.same(cas.elapsed(), [ENQ])
  cas.hear(fromHex('06'))
  t.same(cas.hear('S 00.735kg'), ['release', 'timer'])
  cas.elapsed()
  t.same(cas.hear(fromHex('15')), ['deliver \x15', 'release', 'timer'])
})

t.test('CAS: a scale that falls silent between the steps is asked anew', async t => {
  const cas = new Exchange({ type: 'cas-tedc1' })
  cas.opened()
  cas.hear(fromHex('06'))
  t.same(cas.elapsed(), ['timeout', 'release', 'timer'])
  t.same(cas.elapsed(), [ENQ])
})

t.test('TEC: BEL is not now, ACK is followed by FF', async t => {
  const tec = new Exchange({ type: 'tec' })
  tec.opened()
  t.match(tec.hear(fromHex('07')), ['deliver \x07'])
  tec.elapsed()
  t.same(tec.hear(fromHex('06')), ['write 0c'])
})

t.test('continuous: only changes are delivered', async t => {
  const scale = new Exchange({ type: 'continuous-st-gs' })
  t.same(scale.opened(), [])
  t.same(scale.hear('ST,GS,+00.735kg'), ['deliver ST,GS,+00.735kg'])
  t.same(scale.hear('ST,GS,+00.735kg'), [])
  t.same(scale.hear('US,GS,+00.742kg'), ['deliver US,GS,+00.742kg'])
  t.same(scale.hear('ST,GS,+00.735kg'), ['deliver ST,GS,+00.735kg'])
  t.same(scale.command('zero'), ['one unsupported'])
})

t.test('Adam: silence is an answer, and what is printed twice was weighed twice', async t => {
  const adam = new Exchange({ type: 'adam' })
  adam.opened()
  for (let time = 0; time < 20; time += 1) {
    t.same(adam.elapsed(), ['release', 'timer'], 'neither counted nor called silent')
    adam.elapsed()
  }
  t.match(adam.hear('  1.234kg'), ['deliver   1.234kg'])
  adam.elapsed()
  t.match(adam.hear('  1.234kg'), ['deliver   1.234kg'])
})

t.test('Magellan: a scan comes in between and answers no poll', async t => {
  const device = new Exchange({ type: 'magellan' })
  const poll = `write ${toHex(Buffer.from('S14\r'))}`
  t.same(device.opened(), [poll])
  t.same(device.hear('S08A416000336108'), ['deliver S08A416000336108'])
  t.same(device.hear('S08A416000336108'), ['deliver S08A416000336108'], 'two of the same goods')
  t.same(device.hear('S143'), ['deliver S143', 'release', 'timer'])
  t.same(device.hear('S08FF02345673'), ['deliver S08FF02345673'], 'also between two polls')
  t.same(device.elapsed(), [poll])
  t.same(device.hear('S143'), ['release', 'timer'], 'the state has not changed')
})

t.test('Magellan: a lost answer is asked for again', async t => {
  const device = new Exchange({ type: 'magellan' })
  device.opened()
  t.same(device.elapsed(), ['timeout', 'release', 'timer'])
  t.match(device.elapsed(), [/^write/])
})

t.test('Dialog 06, asked: every answer is closed with EOT', async t => {
  const scale = new Exchange({ type: 'dialog-06', mode: 'ask' })
  t.same(scale.opened(), ['write 0405'])
  t.match(scale.hear('09\x1b20'), ['write 04', /^deliver/, 'release', 'timer'])
  const tap = new Exchange({ type: 'dialog-06' })
  t.same(tap.opened(), [], 'listening it says nothing')
  t.match(tap.hear('09\x1b20'), [/^deliver/])
})

t.test('TISA: asked with a price, or it speaks by itself', async t => {
  const asked = new Exchange({ type: 'tisa', price: '00005' })
  t.same(asked.opened(), [`write ${toHex(Buffer.from('98000054\r\n'))}`])
  t.same(new Exchange({ type: 'tisa' }).opened(), [])
})

const SR = `write ${toHex(Buffer.from('SR\r\n'))}`
const ZERO = `write ${toHex(Buffer.from('Z\r\n'))}`

t.test('MT-SICS: a scale that was switched on is told again to report', async t => {
  const scale = new Exchange({ type: 'mt-sics' })
  t.same(scale.opened(), [], 'the greeting says it first')
  t.same(scale.hear('I4 A "1234567"'), ['deliver I4 A "1234567"', SR])
  t.same(scale.hear('S S     100.00 g'), ['deliver S S     100.00 g'])
})

t.test('MT-SICS: a command has one answer: the scale’s, or that there was none', async t => {
  const scale = new Exchange({ type: 'mt-sics' })
  scale.opened()
  t.same(scale.command('zero'), [ZERO, 'timer'])
  t.same(scale.hear('S D     100.00 g'), ['deliver S D     100.00 g'], 'not about the command')
  t.same(scale.command('tare', 'two'), ['two rejected'], 'one at a time')
  t.same(scale.hear('Z A'), ['deliver Z A', 'one successful'])
  t.same(scale.elapsed(), [], 'its time-out is void')
  scale.command('zero')
  t.same(scale.hear('Z I'), ['deliver Z I', 'one rejected'])
  scale.command('zero')
  t.same(scale.hear('ES'), ['deliver ES', 'one rejected'])
  scale.command('clear-tare')
  t.same(scale.elapsed(), ['one unknown'])
  t.same(scale.command('dance'), ['one unsupported'])
})

t.test('MT-SICS, level 0: asked with SI', async t => {
  const scale = new Exchange({ type: 'mt-sics', ask: 'SI' })
  t.same(scale.opened(), [`write ${toHex(Buffer.from('SI\r\n'))}`])
})
