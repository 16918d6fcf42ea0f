import { writeFile } from 'node:fs/promises'
import { Command } from 'commander'
import { messageOf, systemCodeOf } from '../../core/errors.js'
import { systemRandom } from '../../core/random.js'
import { keyId } from '../../security/jws.js'
import { type PublicKey, signingKeyOf } from '../../security/signature.js'
import { EXIT } from '../exit-codes.js'
import { readHqKey } from '../hq-key-file.js'
import type { CliIo } from '../io.js'

/** `tillbridge keys`: what HQ signs commands and documents with. */
export function keysCommand(io: CliIo): Command {
  return new Command('keys')
    .description('the key by which HQ signs what it says to stores (docs/commands.md)')
    .addCommand(
      new Command('new')
        .description('make one; whoever has this file commands every store that pins the key')
        .argument('<file>', 'where the secret goes: PKCS #8 PEM, readable by you alone')
        .action(async (file: string) => {
          const key = signingKeyOf(systemRandom.bytes(32))
          try {
            await writeFile(file, key.toPem(), { mode: 0o600, flag: 'wx' })
          } catch (thrown) {
            const isThere = systemCodeOf(thrown) === 'EEXIST'
            io.complain(isThere ? `${file} is there already: it is kept` : messageOf(thrown))
            return io.exit(EXIT.usage)
          }
          show(key.publicKey, io)
          return io.exit(EXIT.ok)
        }),
    )
    .addCommand(
      new Command('show')
        .description('print the public key of one, as a shop pins it')
        .argument('<file>', 'the PEM file that `keys new` wrote')
        .action(async (file: string) => {
          show((await readHqKey(file, io)).publicKey, io)
          return io.exit(EXIT.ok)
        }),
    )
}

function show(publicKey: PublicKey, io: CliIo): void {
  io.print(`public key   ${publicKey}`)
  io.print(`thumbprint   ${keyId(publicKey)}`)
  io.print(`hq: { keys: ['${publicKey}'] }   # in each shop's configuration; at most two`)
}
