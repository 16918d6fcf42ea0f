import t from 'tap'
import { epochId } from '../../gateway/core/ids.js'
import { addSegment, emptyChain } from '../../gateway/hq/chain-state.js'
import { newRandom, shuffled } from '../support/sample.js'

const EPOCH = epochId(`1-${'0'.repeat(32)}`)
const hash = (seq: number): string => seq.toString(16).padStart(64, '0')
const segment = (first: number, last: number) => ({
  first,
  last,
  prev: hash(first - 1),
  head: hash(last),
})

t.test('segments in any order join to one, and the chain through them is whole', async t => {
  const random = newRandom(t)
  const parts = [segment(1, 1), segment(2, 9), segment(10, 10), segment(11, 40), segment(41, 50)]
  for (let round = 0; round < 50; round += 1) {
    let chain = emptyChain(EPOCH)
    for (const part of shuffled(random, parts)) {
      const { state, breaksAfter } = addSegment(chain, part)
      t.same(breaksAfter, [])
      chain = state
    }
    t.same(chain.segments, [segment(1, 50)])
  }
})
