// A program: appends to the journal of a directory until it is killed, and writes the ids of what
// was acknowledged to stdout, a line an append, as soon as it was.
// Arguments: the directory, the number before the first sale, lines of a sale, how many sales.
import { writeSync } from 'node:fs'
import { TillbridgeError } from '../../gateway/core/errors.js'
import { type Random, seededRandom } from '../../gateway/core/random.js'
import type { Journal } from '../../gateway/journal/journal.js'
import { below, sale } from '../support/sample.js'
import { journalIn } from './open.js'

const WRITERS = 6

const [, , directory = '', from = '0', lines = '1', count = '1e9'] = process.argv
const random = seededRandom(Number(from))
const journal = await journalIn(directory)
writeSync(1, 'ready\n')
let next = Number(from)
const end = next + Number(count)
await Promise.all(Array.from({ length: WRITERS }, () => sellForever(journal, random)))
await journal.close()

async function sellForever(to: Journal, chance: Random): Promise<void> {
  while (next < end) {
    const events = Array.from({ length: 1 + below(chance, 3) }, () => {
      next += 1
      return sale({ number: next, lines: Number(lines) })
    })
    while (!(await isAppended(to, events))) writeSync(1, 'refused\n')
    writeSync(1, `${events.map(({ id }) => id).join(' ')}\n`)
  }
}

/** Like a terminal: what the disk refused is repeated. */
async function isAppended(to: Journal, events: Parameters<Journal['append']>[0]): Promise<boolean> {
  try {
    await to.append(events)
    return true
  } catch (thrown) {
    if (thrown instanceof TillbridgeError && thrown.code === 'TB_JOURNAL_WRITE') return false
    throw thrown
  }
}
