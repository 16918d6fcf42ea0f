import { readFile, stat } from 'node:fs/promises'
import { messageOf } from '../core/errors.js'
import { type SigningKey, signingKeyFromPem } from '../security/signature.js'
import { EXIT } from './exit-codes.js'
import type { CliIo } from './io.js'

/** Bits of a mode by which anybody but the owner may read, write or run a file. */
const OTHERS = 0o077

/**
 * The key that `tillbridge keys new` wrote; a file that holds none, or that others may read, ends
 * the command.
 */
export async function readHqKey(file: string, io: CliIo): Promise<SigningKey> {
  try {
    const { mode } = await stat(file)
    if ((mode & OTHERS) !== 0) {
      io.complain(
        `${file}: others may use it (mode ${(mode & 0o777).toString(8)}), and whoever reads it ` +
          `commands every shop; write \`chmod 600 ${file}\`, or pin a new key if somebody has`,
      )
      return io.exit(EXIT.usage)
    }
    return signingKeyFromPem(await readFile(file, 'utf8'))
  } catch (thrown) {
    io.complain(`${file}: expected the key of HQ (${messageOf(thrown)}); write one with keys new`)
    return io.exit(EXIT.usage)
  }
}
