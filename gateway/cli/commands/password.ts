import { createInterface } from 'node:readline/promises'
import { Command } from 'commander'
import { systemRandom } from '../../core/random.js'
import { hashPassword } from '../../security/password.js'
import { EXIT } from '../exit-codes.js'
import type { CliIo } from '../io.js'

/** `tillbridge password`: the `passwordHash` of one client of the in-store broker. */
export function passwordCommand(io: CliIo): Command {
  return new Command('password')
    .description('read a password from standard input, print its hash for `broker.clients`')
    .action(async () => {
      const input = createInterface({ input: process.stdin })
      // Undefined where the input ends before a line: asking again would not help.
      const { value: password } = await input[Symbol.asyncIterator]().next()
      input.close()
      if (typeof password !== 'string' || password === '') {
        io.complain('expected a password; write it on standard input, as one line')
        return io.exit(EXIT.usage)
      }
      io.print(await hashPassword(password, systemRandom))
      return io.exit(EXIT.ok)
    })
}
