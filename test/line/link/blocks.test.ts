import t from 'tap'
import { toHex } from '../../../gateway/core/bytes.js'
import { BlocksLink, type BlocksState } from '../../../gateway/line/link/blocks.js'
import type { LinkEffect, LinkInput } from '../../../gateway/line/link/link.js'

/** Frames `n/rest`: number and whether another follows (`+`). */
const link = new BlocksLink({
  answers: { more: '06', last: '04', nak: '15' },
  join: (held, payload) => {
    const [number, more] = [payload[0] ?? 0, payload[1] === 0x2b]
    if (number !== held.length) return 'misfit'
    return more ? 'part' : 'whole'
  },
})

const frame = (number: number, more: boolean): LinkInput => {
  const bytes = Uint8Array.of(number, more ? 0x2b : 0x2d)
  return { type: 'framed', output: { type: 'frame', payload: bytes, raw: bytes }, atMs: 0 }
}

function run(inputs: readonly LinkInput[]): readonly string[] {
  let state: BlocksState = link.initial
  return inputs.map(input => {
    const step = link.next(state, input)
    state = step.state
    return step.effects.map(described).join(' ')
  })
}

function described(effect: LinkEffect): string {
  if (effect.type === 'write') return toHex(effect.bytes)
  if (effect.type === 'deliver') return `deliver ${toHex(effect.payload)}`
  return effect.type === 'count' ? effect.counter : effect.type
}

const settled = (outcome: 'journaled' | 'refused'): LinkInput => ({
  type: 'settled',
  outcome,
  atMs: 0,
})

t.test('a part is acknowledged at once, the whole once it is settled', async t => {
  t.same(run([frame(0, true), frame(1, false), settled('journaled'), frame(0, false)]), [
    '06',
    'deliver 002b012d',
    '04',
    'deliver 002d',
  ])
})

t.test('a whole that the journal refuses is not acknowledged', async t => {
  t.same(run([frame(0, false), settled('refused')]), ['deliver 002d', '15 nak'])
})

t.test('a part that does not follow is refused, a beginning begins anew', async t => {
  t.same(run([frame(1, false)]), ['15 nak'])
  t.same(run([frame(0, true), frame(0, true), frame(1, false)]), ['06', '06', 'deliver 002b012d'])
})

t.test('what comes while the message is settled is its repeat; an opening forgets', async t => {
  t.same(run([frame(0, false), frame(0, false), settled('journaled')]), [
    'deliver 002d',
    'repeat',
    '04',
  ])
  t.same(run([frame(0, true), { type: 'opened' }, frame(1, false)]), ['06', '', '15 nak'])
})

t.test('another message meanwhile must not take the answer for its own', async t => {
  const other = frame(0, true)
  t.same(run([frame(0, false), other, settled('journaled'), other]), [
    'deliver 002d',
    'late',
    'late',
    '06',
  ])
  t.same(
    run([frame(0, false), other, frame(0, false), settled('journaled')]).slice(-1),
    ['late'],
    'and stays given up',
  )
})

t.test('the last frame alone, said again, is the whole message again', async t => {
  for (const outcome of ['refused', 'journaled'] as const)
    t.same(
      run([frame(0, true), frame(1, false), settled(outcome), frame(1, false)]).slice(-1),
      ['deliver 002b012d'],
      outcome,
    )
})

t.test('an answer that would come too late is not given; a repeat is waited for anew', async t => {
  const late = { ...settled('journaled'), atMs: 2000 }
  t.same(run([frame(0, false), late]), ['deliver 002d', 'late'])
  t.same(run([frame(0, false), { ...frame(0, false), atMs: 1800 }, late]), [
    'deliver 002d',
    'repeat',
    '04',
  ])
})

t.test('broken bytes are refused, commands are not known', async t => {
  const broken: LinkInput = {
    type: 'framed',
    output: { type: 'discarded', reason: 'checksum', raw: Uint8Array.of(2) },
    atMs: 0,
  }
  const command = { id: 'c', verb: 'authorise', values: {} }
  t.same(run([broken, { type: 'commanded', command, atMs: 0 }]), ['15 nak', 'answered'])
})

t.test('a message without end is broken', async t => {
  const parts = Array.from({ length: 40 }, (_, number) => frame(number, true))
  t.ok(run(parts).includes('15 nak'))
})
