import t from 'tap'
import { seededRandom } from '../../../gateway/core/random.js'
import { dialectContract } from '../../contract/dialect.js'
import { countMutations } from './mutations.js'
import { TERMINALS } from './payment-terminals.js'

const SEED = 20_261_130
const FRAMES = 1500
/** An XOR of eight bits is blind to one pair of errors in 256; money is hit by some of those. */
const LRC_FLOOR = 0.005

for (const terminal of TERMINALS) {
  const { dialect, sample, held, checksum, keyed } = terminal
  const notices = { lrc: 'single', crc: 'any', none: 'none' } as const
  dialectContract(
    t,
    {
      dialect,
      message: 'approved',
      sample: random => sample(random, 1 + Math.floor(random.unit() * 900_000)),
      stated: event =>
        event.type === 'payment.approved' ? String(event.data.amountMinor) : event.type,
      expected: ({ amount }) => String(amount),
      keyed,
      ...(held === undefined ? {} : { held }),
      notices: notices[checksum],
      crossChecked: false,
    },
    SEED,
  )
  t.test(`${terminal.name}: two damaged bytes`, async t => {
    const count = countMutations(terminal, { frames: FRAMES, random: seededRandom(SEED) })
    t.comment(`seed ${SEED}: ${JSON.stringify(count)}`)
    t.ok(count.bufferedBytes <= 65_536, 'the buffer is bounded')
    if (checksum === 'crc') t.equal(count.wrong, 0, 'a CRC lets none of them through')
    if (checksum === 'lrc') t.ok(count.wrong <= FRAMES * LRC_FLOOR, `${count.wrong} wrong amounts`)
  })
}
