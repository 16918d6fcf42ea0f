import t from 'tap'
import { epochId } from '../../gateway/core/ids.js'
import { directReceipt } from '../../gateway/uplink/direct-receipt.js'
import { InFlight } from '../../gateway/uplink/in-flight.js'
import { lostTails } from '../../gateway/uplink/lost-tail.js'

const EPOCH = epochId(`1-${'a'.repeat(32)}`)
const OTHER = epochId(`2-${'b'.repeat(32)}`)

function range(first: number, last: number) {
  return { epoch: EPOCH, first, last, historical: false }
}

t.test('only a receipt that covers a batch whole takes it out', async t => {
  const inFlight = new InFlight({ timeoutMs: 10 })
  inFlight.add(range(1, 5), 0)
  inFlight.add(range(6, 9), 0)
  inFlight.cover([{ epoch: EPOCH, upTo: 9, missing: [[5, 5]] }], 1)
  t.same(
    inFlight.ranges.map(({ first }) => first),
    [1],
  )
  inFlight.cover([{ epoch: OTHER, upTo: 99, missing: [] }], 1)
  t.equal(inFlight.ranges.length, 1, 'another epoch')
  inFlight.cover([{ epoch: EPOCH, upTo: 4, missing: [] }], 1)
  t.equal(inFlight.ranges.length, 1, 'not up to its end')
  inFlight.cover([{ epoch: EPOCH, upTo: 5, missing: [] }], 1)
  t.equal(inFlight.ranges.length, 0)
  t.equal(inFlight.hasCovered, true)
})

t.test('a batch that came out shorter frees the rest', async t => {
  const inFlight = new InFlight({ timeoutMs: 10 })
  inFlight.add(range(1, 500), 0)
  inFlight.shorten(range(1, 500), 7)
  t.match(inFlight.ranges, [{ first: 1, last: 7 }])
})

t.test(
  'a slow HQ is waited for as long as it is heard; a batch it has passed over is not',
  async t => {
    const inFlight = new InFlight({ timeoutMs: 10 })
    t.equal(inFlight.deadlineMs(), Infinity, 'nothing to wait for')
    inFlight.add(range(1, 1), 100)
    inFlight.add(range(2, 2), 105)
    inFlight.add(range(3, 3), 106)
    t.equal(inFlight.deadlineMs(), 110)
    inFlight.cover([{ epoch: EPOCH, upTo: 1, missing: [] }], 120)
    t.equal(inFlight.deadlineMs(), 130, 'heard at 120')
    inFlight.cover([{ epoch: EPOCH, upTo: 3, missing: [[2, 2]] }], 121)
    t.equal(inFlight.deadlineMs(), 115, '3 overtook 2, which is lost')
  },
)

t.test('a ledger that holds more than the journal: the journal lost its tail', async t => {
  const epochs = [{ epoch: EPOCH, first: 1, last: 10, pending: [] }]
  t.same(lostTails(epochs, [{ epoch: EPOCH, upTo: 10, missing: [] }]), [])
  t.match(lostTails(epochs, [{ epoch: EPOCH, upTo: 12, missing: [] }]), [
    { text: /up to 12.*only to 10/ },
  ])
  t.same(lostTails(epochs, [{ epoch: OTHER, upTo: 12, missing: [] }]), [], 'trimmed long ago')
  const [own] = lostTails(epochs, [{ epoch: EPOCH, upTo: 12, missing: [] }])
  t.equal(own?.gap, undefined, 'the current epoch goes on')
  const later = [...epochs, { epoch: OTHER, first: 1, last: 1, pending: [] }]
  const [closed] = lostTails(later, [{ epoch: EPOCH, upTo: 12, missing: [] }])
  t.match(closed?.gap, { epoch: EPOCH, first: 11, last: 12, kind: 'tail-lost' })
})

t.test(
  'direct mode: what was confirmed before, and what the broker has acknowledged since',
  async t => {
    const epochs = [
      {
        epoch: EPOCH,
        first: 5,
        last: 20,
        pending: [
          [9, 12],
          [15, 20],
        ] as const,
      },
      { epoch: OTHER, first: 1, last: 0, pending: [] },
    ]
    t.same(
      directReceipt(
        epochs,
        new Map([
          [
            EPOCH,
            [
              [10, 10],
              [17, 18],
            ],
          ],
        ]),
      ),
      [
        {
          epoch: EPOCH,
          upTo: 18,
          missing: [
            [9, 9],
            [11, 12],
            [15, 16],
          ],
        },
        { epoch: OTHER, upTo: 0, missing: [] },
      ],
    )
    t.match(directReceipt(epochs, new Map()), [{ upTo: 14, missing: [[9, 12]] }, {}])
  },
)
