import t from 'tap'
import { LIMITS } from '../../gateway/core/limits.js'
import { babble } from './babbling-line.js'

/** A slice of `npm run babble`. */
const HOURS = 2

t.test('a line that babbles for hours fills neither journal nor disk', async t => {
  const place = t.testdir({ loud: {}, quiet: {} })
  const loud = await babble({ directory: `${place}/loud`, hours: HOURS, babbles: true })
  const quiet = await babble({ directory: `${place}/quiet`, hours: HOURS, babbles: false })
  t.comment(JSON.stringify({ loud, quiet }))
  const most = LIMITS.factBurst + (HOURS * 3600 * 1000) / LIMITS.factEveryMs + 1
  t.ok(loud.kept > most / 2 && loud.kept <= most, `${loud.kept} frames kept, ${most} at most`)
  t.ok(loud.counted > 10_000, `${loud.counted} counted`)
  t.ok(loud.soldAll && loud.sales === quiet.sales, 'every sale was taken')
  t.ok(loud.diskBytes < quiet.diskBytes + 4 * 2 ** 20, `${loud.diskBytes} bytes on the disk`)
})
