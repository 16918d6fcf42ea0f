import { Command, Option } from 'commander'
import { z } from 'zod'
import { messageOf, TillbridgeError } from '../../core/errors.js'
import { isStoreId, type StoreId } from '../../core/ids.js'
import type { StatementFound, StatementReport } from '../../hq/statement-report.js'
import { auditLedger } from '../ask-ledger.js'
import { EXIT, type ExitCode, exitCodeOf } from '../exit-codes.js'
import { type LedgerFlags, type LedgerPlace, ledgerPlaceOf } from '../hq-ledger.js'
import type { CliIo } from '../io.js'
import { printable } from '../printable.js'
import { addSums, sumLines } from '../statement-text.js'

interface Flags extends LedgerFlags {
  readonly store: string
  readonly day: string
  readonly json?: true
}

interface Question {
  readonly store: StoreId
  readonly day: string
}

/** `tillbridge hq statement`: HQ's side of a store's day beside what the store signed. */
export function hqStatementCommand(io: CliIo): Command {
  return new Command('statement')
    .description("compare the ledger with a store's signed statements of a day: equal, or what not")
    .requiredOption('--store <store>', 'which store')
    .requiredOption('--day <date>', 'which day: 2026-11-22')
    .addOption(new Option('--json', 'print the report as JSON'))
    .action(async (_flags: unknown, command: Command) => {
      // The ledger's options are those of `hq`, whichever side of `statement` they stand on.
      const flags = command.optsWithGlobals<Flags>()
      const place = ledgerPlaceOf(flags, io)
      const question = questionOf(flags, io)
      const code = await print({ io, place, question, json: flags.json === true }).catch(thrown => {
        io.complain(messageOf(thrown))
        return exitCodeOf(thrown)
      })
      io.exit(code)
    })
}

function questionOf({ store, day }: Flags, io: CliIo): Question {
  if (!isStoreId(store)) {
    io.complain('--store: expected the id of a store; write --store store-001')
    return io.exit(EXIT.usage)
  }
  if (!z.iso.date().safeParse(day).success) {
    io.complain('--day: expected a date; write --day 2026-11-22')
    return io.exit(EXIT.usage)
  }
  return { store, day }
}

async function print(options: {
  readonly io: CliIo
  readonly place: LedgerPlace
  readonly question: Question
  readonly json: boolean
}): Promise<ExitCode> {
  const { io, place, question, json } = options
  const { report } = await auditLedger(place, { ask: 'statement', ...question })
  if (report === undefined) throw new TillbridgeError('TB_INTERNAL', 'HQ gave no report')
  if (json) io.print(JSON.stringify(report, null, 2))
  else for (const line of describe(report)) io.print(printable(line))
  if (report.statements.length === 0) return EXIT.cannotStart
  return report.isEqual ? EXIT.ok : EXIT.findings
}

function* describe({ store, day, statements, isEqual }: StatementReport): Generator<string> {
  yield `${store}, ${day}`
  if (statements.length === 0) {
    yield 'the ledger has no signed statement of this day: it has not ended, or has not come yet'
    return
  }
  for (const statement of statements) yield* describeOne(statement)
  const sums = statements.flatMap(statement => statement.sums).filter(sum => sum.day === day)
  if (statements.length > 1) {
    yield ''
    yield `all of ${day} in these ${statements.length} statements`
    yield* sumLines(addSums(sums), { stated: 'store', held: 'HQ' })
  }
  yield ''
  yield isEqual ? 'equal' : 'differs'
}

function* describeOne(statement: StatementFound): Generator<string> {
  const { epoch, seq, time, day, publicKey, ranges, unreadable, faults, sums } = statement
  yield ''
  yield `statement ${epoch}/${seq} of ${time}, at the end of ${day}, signed with ${publicKey}`
  for (const { epoch, first, last, head } of ranges)
    yield `  covers ${epoch}: ${first} to ${last}, head ${head}`
  for (const { epoch, first, last } of unreadable)
    yield `  the store could not read ${epoch}: ${first} to ${last}`
  for (const line of sumLines(sums, { stated: 'store', held: 'HQ' })) yield `  ${line}`
  for (const fault of faults) yield `  fault: ${fault}`
}
