import { rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { systemClock } from '../core/clock.js'
import { messageOf, systemCodeOf } from '../core/errors.js'
import { fail, ok, type Result } from '../core/result.js'
import { type JournalCopy, openJournalCopy } from '../journal/journal-copy.js'
import type { Slot } from '../journal/keys.js'
import { type PublicKey, publicKeyFromPem } from '../security/signature.js'
import { PUBLIC_FILE } from '../security/store-key.js'
import { EXIT, type ExitCode, exitCodeOf } from './exit-codes.js'
import type { CliIo } from './io.js'
import { stopSignal } from './stop-signal.js'

/** Looks at a journal without changing it, and ends the process with what `look` says. */
export async function lookAtJournal(
  options: { readonly io: CliIo; readonly path: string },
  look: (journal: JournalCopy, signal: AbortSignal) => Promise<ExitCode>,
): Promise<never> {
  const { io, path } = options
  const signal = stopSignal({ clock: systemClock, exit: io.exit })
  const code = await lookThrough(path, journal => look(journal, signal)).catch(thrown => {
    io.complain(messageOf(thrown))
    return exitCodeOf(thrown)
  })
  return io.exit(signal.aborted ? EXIT.interrupted : code)
}

async function lookThrough(
  path: string,
  look: (journal: JournalCopy) => Promise<ExitCode>,
): Promise<ExitCode> {
  const journal = await openJournalCopy(path)
  // Also where `| head` ends the process in the middle.
  process.once('exit', () => rmSync(journal.folder, { recursive: true, force: true }))
  try {
    return await look(journal)
  } finally {
    await journal.close()
  }
}

/** `2/4711`, or with the whole id of the epoch; nothing where the text is no place. */
export function parseSlot(text: string): Slot | undefined {
  const [, ordinal, seq] = /^(\d{1,9})(?:-[0-9a-f]{32})?\/(\d{1,14})$/.exec(text) ?? []
  return ordinal === undefined ? undefined : { ordinal: Number(ordinal), seq: Number(seq) }
}

export function describeSlot({ ordinal, seq }: Slot): string {
  return `${ordinal}/${seq}`
}

/** The key to judge signatures by, and where it comes from. */
export interface KnownKey {
  readonly publicKey: PublicKey
  readonly file: string
}

/**
 * That of a file, or the one that the gateway leaves in its data directory; nothing where there is
 * none.
 */
export async function findPublicKey(
  named: string | undefined,
  journal: string,
): Promise<Result<KnownKey | undefined, string>> {
  const beside = [dirname(journal), journal].map(place => join(place, PUBLIC_FILE))
  for (const file of named === undefined ? beside : [named])
    try {
      return ok({ publicKey: publicKeyFromPem(await readFile(file, 'utf8')), file })
    } catch (thrown) {
      const isAbsent = named === undefined && systemCodeOf(thrown) === 'ENOENT'
      if (!isAbsent) return fail(`${file}: expected a public key; ${messageOf(thrown)}`)
    }
  return ok(undefined)
}
