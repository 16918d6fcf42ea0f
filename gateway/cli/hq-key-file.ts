import { readFile } from 'node:fs/promises'
import { messageOf } from '../core/errors.js'
import { type SigningKey, signingKeyFromPem } from '../security/signature.js'
import { EXIT } from './exit-codes.js'
import type { CliIo } from './io.js'

/** The key that `tillbridge keys new` wrote; a file that holds none ends the command. */
export async function readHqKey(file: string, io: CliIo): Promise<SigningKey> {
  try {
    return signingKeyFromPem(await readFile(file, 'utf8'))
  } catch (thrown) {
    io.complain(`${file}: expected the key of HQ (${messageOf(thrown)}); write one with keys new`)
    return io.exit(EXIT.usage)
  }
}
