import { Command } from 'commander'
import { z } from 'zod'
import { epochIdSchema } from '../../core/id-schema.js'
import { type EpochId, epochOrdinal } from '../../core/ids.js'
import { decodeJson } from '../../core/schema.js'
import type { JournalCopy } from '../../journal/journal-copy.js'
import { LAST_SEQ, type Place, type Slot } from '../../journal/keys.js'
import { scanRecords } from '../../journal/record-scan.js'
import { endOfStatement } from '../../journal/signed-memory.js'
import { readSignedEvent } from '../../security/signed-event.js'
import type { JournalRecord } from '../../wire/record.js'
import {
  checkStatement,
  type HeldRecord,
  type Stated,
  type StatementCheck,
  stated,
} from '../../wire/statement-check.js'
import { StatementSums } from '../../wire/statement-sums.js'
import { describeSlot, findPublicKey, lookAtJournal } from '../evidence.js'
import { EXIT, type ExitCode } from '../exit-codes.js'
import type { CliIo } from '../io.js'
import { printable } from '../printable.js'
import { sumLines } from '../statement-text.js'

interface Flags {
  readonly day: string
  readonly publicKey?: string
}

/** `tillbridge journal statement`: what a store stated of a day beside what its journal holds. */
export function journalStatementCommand(io: CliIo): Command {
  return new Command('statement')
    .description(
      'compare the signed statements of a day with the records; add up what has none yet',
    )
    .argument('<dir>', 'a data directory, or the journal folder in it')
    .requiredOption('--day <date>', 'which day: 2026-11-22')
    .option('--public-key <file>', "PEM of the store's public key, from another source than <dir>")
    .action(async (dir: string, flags: Flags) => {
      if (!z.iso.date().safeParse(flags.day).success) {
        io.complain('--day: expected a date; write --day 2026-11-22')
        return io.exit(EXIT.usage)
      }
      return lookAtJournal({ io, path: dir }, (journal, signal) =>
        compare({ io, journal, flags, signal }),
      )
    })
}

/** A statement of the journal, and where it stands. */
interface Found {
  readonly slot: Slot
  readonly statement: Stated
  readonly faults: readonly string[]
}

async function compare(options: {
  readonly io: CliIo
  readonly journal: JournalCopy
  readonly flags: Flags
  readonly signal: AbortSignal
}): Promise<ExitCode> {
  const { io, journal, flags, signal } = options
  const key = await findPublicKey(flags.publicKey, journal.directory)
  if (!key.ok) {
    io.complain(key.error)
    return EXIT.usage
  }
  const publicKey = key.value?.publicKey
  if (publicKey === undefined) io.print('warning: no key was given; any signature counts')
  const { day } = flags
  let isEqual = true
  let end: Place | undefined
  for await (const found of statementsIn({ journal, publicKey })) {
    if (signal.aborted) return EXIT.interrupted
    const { statement } = found
    end = endOfStatement(statement) ?? end
    if (statement.day !== day && statement.entries.every(entry => entry.day !== day)) continue
    const check = await checkStatement(statement, range => recordsIn(journal, range))
    const faults = [...found.faults, ...check.faults]
    isEqual &&= faults.length === 0
    for (const line of describe(found, { ...check, faults })) io.print(printable(line))
  }
  for (const line of await openSums({ journal, day, after: end })) io.print(printable(line))
  io.print(isEqual ? 'equal' : 'differs')
  return isEqual ? EXIT.ok : EXIT.findings
}

const statementEvent = z.object({ data: stated })

async function* statementsIn(options: {
  readonly journal: JournalCopy
  readonly publicKey: string | undefined
}): AsyncGenerator<Found> {
  const { journal, publicKey } = options
  for await (const scanned of scanRecords(journal)) {
    if (scanned.type === 'unreadable') continue
    const { header, body } = scanned.record
    if (header.type !== 'journal.statement' || body.type !== 'event') continue
    const event = decodeJson(statementEvent, body.bytes)
    if (!event.ok) continue
    const signed = readSignedEvent(body.bytes)
    const isForeign = signed.ok && publicKey !== undefined && signed.value.publicKey !== publicKey
    const faults = [
      ...(signed.ok ? [] : [signed.error]),
      ...(isForeign ? ['it is signed with another key'] : []),
    ]
    yield { slot: scanned.slot, statement: event.value.data, faults }
  }
}

async function* recordsIn(
  journal: JournalCopy,
  range: { readonly epoch: string; readonly first: number; readonly last: number },
): AsyncGenerator<HeldRecord> {
  const epoch = epochIdSchema.safeParse(range.epoch)
  if (!epoch.success) return
  const slots = { from: slotOf(epoch.data, range.first), to: slotOf(epoch.data, range.last) }
  for await (const scanned of scanRecords({ ...journal, ...slots }))
    if (scanned.type === 'record' && scanned.record.header.epoch === epoch.data)
      yield heldOf(scanned.record)
}

/** A statement may name any number; beyond the last one that a key holds there is no record. */
function slotOf(epoch: EpochId, seq: number): Slot {
  return { ordinal: epochOrdinal(epoch), seq: Math.min(seq, LAST_SEQ) }
}

function heldOf({ header, body, hash }: JournalRecord): HeldRecord {
  return { seq: header.seq, header, hash, event: body.type === 'event' ? body.bytes : undefined }
}

function* describe(found: Found, check: StatementCheck): Generator<string> {
  const { slot, statement } = found
  yield `statement ${describeSlot(slot)}, at the end of ${statement.day}`
  for (const line of sumLines(check.sums, { stated: 'stated', held: 'records' })) yield `  ${line}`
  for (const fault of check.faults) yield `  fault: ${fault}`
  yield ''
}

/** What no statement covers yet. */
async function openSums(options: {
  readonly journal: JournalCopy
  readonly day: string
  readonly after: Place | undefined
}): Promise<readonly string[]> {
  const { journal, day, after } = options
  const from = after === undefined ? {} : { from: slotOf(after.epoch, after.seq + 1) }
  const sums = new StatementSums({ maxEntries: Number.POSITIVE_INFINITY })
  for await (const scanned of scanRecords({ ...journal, ...from }))
    if (scanned.type === 'record') sums.add(heldOf(scanned.record))
  const entries = sums.totals.entries.filter(entry => entry.day === day)
  if (entries.length === 0) return []
  const compared = entries.map(({ count, sumMinor, ...about }) => ({
    ...about,
    held: { count, ...(sumMinor === undefined ? {} : { sumMinor }) },
  }))
  const lines = sumLines(compared, { held: 'records' })
  return ['in no statement yet', ...[...lines].map(line => `  ${line}`), '']
}
