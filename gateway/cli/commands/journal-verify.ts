import { Command } from 'commander'
import { epochOrdinal } from '../../core/ids.js'
import type { JournalCopy } from '../../journal/journal-copy.js'
import { type Verdict, verifyJournal } from '../../journal/verify-journal.js'
import { count } from '../count.js'
import { describeSlot, findPublicKey, type KnownKey, lookAtJournal } from '../evidence.js'
import { EXIT, type ExitCode } from '../exit-codes.js'
import type { CliIo } from '../io.js'
import { printable } from '../printable.js'

interface Flags {
  readonly publicKey?: string
  readonly json?: true
}

/** `tillbridge journal verify`: the whole chain and every signature. */
export function journalVerifyCommand(io: CliIo): Command {
  return new Command('verify')
    .description('recompute the chain over everything it holds, and verify every signature')
    .argument('<dir>', 'a data directory, or the journal folder in it')
    .option('--public-key <file>', "PEM of the store's public key, from another source than <dir>")
    .option('--json', 'print the verdict as JSON')
    .action(async (dir: string, flags: Flags) => {
      await lookAtJournal({ io, path: dir }, (journal, signal) =>
        verify({ io, journal, flags, signal }),
      )
    })
}

async function verify(options: {
  readonly io: CliIo
  readonly journal: JournalCopy
  readonly flags: Flags
  readonly signal: AbortSignal
}): Promise<ExitCode> {
  const { io, journal, flags, signal } = options
  const found = await findPublicKey(flags.publicKey, journal.directory)
  if (!found.ok) {
    io.complain(found.error)
    return EXIT.usage
  }
  const key = found.value
  const { database } = journal
  const verdict = await verifyJournal({ database, publicKey: key?.publicKey, signal })
  if (signal.aborted) return EXIT.interrupted
  const isKeyUnused = key !== undefined && verdict.signedUpTo === undefined
  const isSound = verdict.faultsTotal === 0 && !isKeyUnused
  if (flags.json) io.print(JSON.stringify({ sound: isSound, ...verdict }, null, 2))
  else for (const line of report({ journal, verdict, key, isSound })) io.print(printable(line))
  return isSound ? EXIT.ok : EXIT.findings
}

function* report(found: {
  readonly journal: JournalCopy
  readonly verdict: Verdict
  readonly key: KnownKey | undefined
  readonly isSound: boolean
}): Generator<string> {
  const { journal, verdict, key, isSound } = found
  yield journal.directory
  for (const { epoch, first, last, head } of verdict.epochs)
    yield `epoch ${epoch}: records ${first} to ${last}, head ${head}`
  const evicted = verdict.evicted === 0 ? '' : `, of ${verdict.evicted} only the digest`
  yield `${count(verdict.records, 'record')} in ${count(verdict.epochs.length, 'epoch')}${evicted}`
  for (const { publicKey, checkpoints, statements, first, last } of verdict.signers) {
    const range = `${describeSlot(first)} to ${describeSlot(last)}`
    yield `${checkpoints} checkpoints, ${statements} statements of key ${publicKey} (${range})`
  }
  yield* describeTrust(verdict, key)
  yield* describeLosses(verdict)
  for (const { slot, text } of verdict.faults) yield `fault at ${describeSlot(slot)}: ${text}`
  const more = verdict.faultsTotal - verdict.faults.length
  if (more > 0) yield `and ${more} faults more`
  const but = verdict.losses.length === 0 ? '' : ', but for what is lost and named'
  yield isSound ? `sound${but}` : 'not sound'
}

function* describeLosses({ losses }: Verdict): Generator<string> {
  for (const { epoch, first, last, named, cause } of losses) {
    const place = describeSlot({ ordinal: epochOrdinal(named.epoch), seq: named.seq })
    const what = first === last ? `record ${first}` : `records ${first} to ${last}`
    const are = first === last ? 'is' : 'are'
    yield `${what} of epoch ${epoch} ${are} lost; named in ${place}: ${cause}`
  }
}

function* describeTrust(verdict: Verdict, key: KnownKey | undefined): Generator<string> {
  const { trusted, signedUpTo, unsigned } = verdict
  if (key !== undefined) yield `trusted: key ${key.publicKey} of ${key.file}`
  else if (trusted === undefined)
    yield 'warning: nothing is signed; the chain proves its order only'
  else yield 'warning: no key was given; trusted is the one that signed first, whoever had it'
  if (signedUpTo === undefined) {
    if (key !== undefined) yield 'nothing is signed with it'
    return
  }
  const { epoch, seq } = signedUpTo
  const place = describeSlot({ ordinal: epochOrdinal(epoch), seq })
  yield `signed up to ${place}; not under a signature yet: ${unsigned}`
}
