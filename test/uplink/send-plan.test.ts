import t from 'tap'
import { epochId } from '../../gateway/core/ids.js'
import { addRange, type RangeSet } from '../../gateway/core/range-set.js'
import { nextRange, type SendRange, type SendSituation } from '../../gateway/uplink/send-plan.js'
import { containsNumber } from '../support/range-set.js'
import { below, newRandom } from '../support/sample.js'

const OLD = epochId(`1-${'a'.repeat(32)}`)
const NOW = epochId(`2-${'b'.repeat(32)}`)

function extent(epoch: typeof OLD, pending: RangeSet, last: number) {
  return { epoch, first: 1, last, pending }
}

/** Old epoch with 10 of 20 pending, this one with 5 before the session and 3 since. */
const SITUATION: SendSituation = {
  epochs: [extent(OLD, [[11, 20]], 20), extent(NOW, [[1, 8]], 8)],
  inFlight: [],
  border: { epoch: NOW, last: 5 },
  credit: 3,
  maxRecords: 4,
}

function planned(situation: SendSituation, count: number): readonly string[] {
  const sent: SendRange[] = []
  for (let n = 0; n < count; n += 1) {
    const range = nextRange({ ...situation, inFlight: [...situation.inFlight, ...sent] })
    if (range !== undefined) sent.push(range)
  }
  return sent.map(
    ({ epoch, first, last, historical }) =>
      `${epoch === OLD ? 'old' : 'now'} ${first}-${last}${historical ? ' historical' : ''}`,
  )
}

t.test('live first, then the backlog from its oldest end, never beyond the credit', async t => {
  t.same(planned(SITUATION, 9), ['now 6-8', 'old 11-14 historical', 'old 15-18 historical'])
  t.same(planned({ ...SITUATION, credit: 8 }, 9), [
    'now 6-8',
    'old 11-14 historical',
    'old 15-18 historical',
    'old 19-20 historical',
    'now 1-4 historical',
    'now 5-5 historical',
  ])
})

t.test('the backlog leaves the last place to what is journaled next', async t => {
  const quiet = { ...SITUATION, epochs: [extent(OLD, [[1, 100]], 100), extent(NOW, [], 5)] }
  t.same(planned(quiet, 9), ['old 1-4 historical', 'old 5-8 historical'])
})

t.test(
  'what is journaled leaves a place to the backlog, and takes all where there is none',
  async t => {
    const busy = { ...SITUATION, epochs: [extent(OLD, [[1, 9]], 9), extent(NOW, [[6, 99]], 99)] }
    t.same(planned(busy, 9), ['now 6-9', 'now 10-13', 'old 1-4 historical'])
    const noBacklog = { ...SITUATION, epochs: [extent(NOW, [[6, 99]], 99)] }
    t.same(planned(noBacklog, 9), ['now 6-9', 'now 10-13', 'now 14-17'])
  },
)

t.test('an epoch that began during the session is live, and comes before the backlog', async t => {
  const next = epochId(`3-${'c'.repeat(32)}`)
  const epochs = [...SITUATION.epochs, extent(next, [[1, 2]], 2)]
  const inFlight = [{ epoch: NOW, first: 6, last: 8, historical: false }]
  const live = { epoch: next, first: 1, last: 2, historical: false }
  t.same(nextRange({ ...SITUATION, epochs, inFlight }), live)
  const trimmed = { ...SITUATION, epochs: [extent(next, [[1, 2]], 2)] }
  t.same(nextRange(trimmed), live, 'the epoch of the border is gone')
})

t.test('ranges in flight or skipped are not planned again', async t => {
  const skipped = [new Map<typeof NOW, RangeSet>([[NOW, [[6, 6]]]])]
  t.same(planned({ ...SITUATION, skipped }, 1), ['now 7-8'])
})

t.test('any order of sending and losing covers everything exactly once at a time', async t => {
  const random = newRandom(t)
  for (let round = 0; round < 300; round += 1) {
    let pending: RangeSet = []
    for (let n = 0; n < 5; n += 1) {
      const first = 1 + below(random, 50)
      pending = addRange(pending, [first, first + below(random, 8)])
    }
    const border = { epoch: NOW, last: below(random, 60) }
    const credit = 2 + below(random, 4)
    let inFlight: SendRange[] = []
    for (let steps = 0; pending.length > 0; steps += 1) {
      if (steps > 500) t.fail(`round ${round} does not end`)
      const epochs = [extent(NOW, pending, 60)]
      const range = nextRange({ epochs, inFlight, border, credit, maxRecords: 3 })
      const place = below(random, inFlight.length)
      const answered = inFlight[place]
      if (range !== undefined && random.unit() < 0.6) {
        if (inFlight.some(other => other.first <= range.last && other.last >= range.first))
          t.fail(`round ${round}: sent twice at a time`)
        if (!containsNumber(pending, range.first) || !containsNumber(pending, range.last))
          t.fail(`round ${round}: not pending`)
        if (range.historical !== range.last <= border.last) t.fail(`round ${round}: mislabelled`)
        inFlight.push(range)
      } else if (answered !== undefined) {
        inFlight = inFlight.filter(other => other !== answered)
        const isConfirmed = random.unit() < 0.8
        if (isConfirmed) pending = without(pending, answered)
      }
      if (inFlight.length > credit) t.fail(`round ${round}: beyond the credit`)
    }
  }
  t.pass('300 rounds')
})

function without(set: RangeSet, { first, last }: SendRange): RangeSet {
  let rest: RangeSet = []
  for (let n = 1; n <= 60; n += 1)
    if (containsNumber(set, n) && (n < first || n > last)) rest = addRange(rest, [n, n])
  return rest
}
