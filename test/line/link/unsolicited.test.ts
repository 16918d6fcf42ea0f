import t from 'tap'
import type { FramerOutput } from '../../../gateway/line/framing/framer.js'
import { unsolicitedLink } from '../../../gateway/line/link/unsolicited.js'

const raw = Uint8Array.of(0x41)
const frame: FramerOutput = { type: 'frame', payload: raw, raw }
const noise: FramerOutput = { type: 'discarded', reason: 'noise', raw }
const deliver = { type: 'deliver', payload: raw, raw }

t.test('what is heard is delivered, and nothing is answered', async t => {
  const heard = (output: FramerOutput) =>
    unsolicitedLink.next(undefined, { type: 'framed', output, atMs: 0 }).effects
  t.same(heard(frame), [deliver])
  t.same(heard(noise), [])
  t.same(unsolicitedLink.next(undefined, { type: 'opened' }).effects, [])
})

t.test('what silence would have ended, the end of the line ends, too', async t => {
  const end = unsolicitedLink.ended?.(undefined, { of: 'line', rest: [noise, frame] })
  t.same(end?.effects, [deliver])
})

t.test('it takes no commands', async t => {
  const command = { id: '1', verb: 'print', values: {} }
  const { effects } = unsolicitedLink.next(undefined, { type: 'commanded', command, atMs: 0 })
  t.match(effects, [{ type: 'answered', id: '1', outcome: { reason: 'unsupported' } }])
})
