import { readFileSync } from 'node:fs'
import { messageOf } from '../core/errors.js'
import { EXIT } from './exit-codes.js'
import type { CliIo } from './io.js'

/** The first line of a file: on a command line others would see it. None ends the command. */
export function readPassphrase(file: string, io: CliIo): string {
  try {
    const [line = ''] = readFileSync(file, 'utf8').split(/\r?\n/)
    if (line !== '') return line
    io.complain(`${file}: expected a passphrase as its first line, which is empty; write it there`)
  } catch (thrown) {
    io.complain(`${file}: expected a file with the passphrase (${messageOf(thrown)})`)
  }
  return io.exit(EXIT.usage)
}
