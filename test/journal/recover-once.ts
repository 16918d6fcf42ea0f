// A program: opens the journal of a data directory, recovering it where need be, sells, and ends.
import { sale } from '../support/sample.js'
import { openKept } from './open-storage.js'

const [, , dataDir = ''] = process.argv
const { journal, close } = await openKept(dataDir)
await journal.append([sale({ number: 500_000 })])
await close()
process.stdout.write('sold')
