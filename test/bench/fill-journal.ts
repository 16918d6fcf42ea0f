/**
 * `node fill-journal.js <directory> <events>`: a journal with so many scans of about 300 B, written
 * as a busy shop writes them, 64 at a time. Prints what the kernel counted: one line of JSON.
 */
import { readFileSync } from 'node:fs'
import { systemClock } from '../../gateway/core/clock.js'
import { newEventId, terminalId } from '../../gateway/core/ids.js'
import { systemRandom } from '../../gateway/core/random.js'
import { type Event, encodeEvent } from '../../gateway/event/event.js'
import { makeEvent } from '../../gateway/event/make-event.js'
import { journalIn } from '../journal/open.js'
import { STORE } from '../support/sample.js'
import type { Filled } from './fill.js'

const AT_ONCE = 64

function scan(number: number): Event {
  return makeEvent({
    type: 'code.scanned',
    data: { text: String(4_000_000_000_000 + number), symbology: 'E0' },
    id: newEventId(systemClock, systemRandom),
    store: STORE,
    terminal: terminalId('scanner-1'),
    wallMs: systemClock.wallMs(),
    timeZone: 'UTC',
    clockState: 'synced',
  })
}

function writtenBytes(): number {
  const io = readFileSync('/proc/self/io', 'utf8')
  return Number(/^write_bytes: (\d+)$/m.exec(io)?.[1])
}

const [directory = '', count = ''] = process.argv.slice(2)
const journal = await journalIn(directory)
const before = writtenBytes()
let eventBytes = 0
for (let done = 0; done < Number(count); done += AT_ONCE) {
  const events = Array.from({ length: Math.min(AT_ONCE, Number(count) - done) }, (_, index) =>
    scan(done + index),
  )
  for (const event of events) eventBytes += encodeEvent(event).length
  await Promise.all(events.map(event => journal.append([event])))
}
await journal.close()
const filled: Filled = {
  events: Number(count),
  eventBytes,
  writtenBytes: writtenBytes() - before,
}
process.stdout.write(`${JSON.stringify(filled)}\n`)
