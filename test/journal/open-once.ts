// A program: opens the journal of a directory, says the code of the error it met, and ends.
import { TillbridgeError } from '../../gateway/core/errors.js'
import { journalIn } from './open.js'

const [, , directory = ''] = process.argv
try {
  await (await journalIn(directory)).close()
  process.stdout.write('opened')
} catch (thrown) {
  process.stdout.write(thrown instanceof TillbridgeError ? thrown.code : 'another error')
}
