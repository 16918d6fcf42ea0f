// A program: LevelDB's repair of a folder, or, where it is told of a mark, what an opening reads of
// it. Then it rewrites all that is there, which meets whatever would abort a later reader. It ends
// with whoever started it, at once: the folder would be another one's by then.
import { writeSync } from 'node:fs'
import { openDatabase, repairDatabase } from '../core/database.js'
import { messageOf } from '../core/errors.js'
import { examine } from './examine.js'
import { readMark } from './high-water-mark.js'

const STDERR = 2
const [, , folder = '', mark] = process.argv
process.stdin.once('end', () => process.kill(process.pid, 'SIGKILL')).resume()
try {
  if (mark === undefined) await repairDatabase(folder)
  const opened = await openDatabase(folder)
  // What it refuses here, for want of room perhaps, it says to the reader as well.
  if (opened.ok) {
    if (mark !== undefined) await examine(opened.value, await readMark(mark))
    await opened.value.compactRange?.(Buffer.of(), Buffer.of(0xff)).catch(() => undefined)
    await opened.value.close()
  }
  process.exit(0)
} catch (thrown) {
  writeSync(STDERR, messageOf(thrown))
  process.exit(1)
}
