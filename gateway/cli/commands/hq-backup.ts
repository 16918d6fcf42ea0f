import { Command, InvalidArgumentError } from 'commander'
import { messageOf } from '../../core/errors.js'
import { type BackupPoint, safePoint } from '../../hq/backup-points.js'
import type { DeskQuestion, DeskReport } from '../../hq/ledger-desk.js'
import { askLedger } from '../ask-ledger.js'
import { EXIT, exitCodeOf } from '../exit-codes.js'
import { type LedgerFlags, ledgerPlaceOf } from '../hq-ledger.js'
import type { CliIo } from '../io.js'

/**
 * Backups that HQ would restore from. With one a day it is a week: what damaged a database is often
 * found after a weekend or a holiday only, and every backup made since holds the damage.
 */
const BACKUPS_KEPT = 7

/** `tillbridge hq backup`: tells the ledger which backups there are, so that stores may trim. */
export function hqBackupCommand(io: CliIo): Command {
  return new Command('backup')
    .description('say which backups of the ledger exist; stores keep what they do not contain')
    .addCommand(
      new Command('begin')
        .description('before a backup is made: prints its number')
        .action((_flags: unknown, command: Command) =>
          ask(io, command, {
            question: { ask: 'begin-backup' },
            print: ({ backups }) => [String(backups.at(-1)?.id)],
          }),
        ),
    )
    .addCommand(
      new Command('done')
        .description('after it was made: stores may trim what the oldest one kept contains')
        .argument('<number>', 'what `begin` printed', wholeNumber)
        .option('--keep <backups>', 'how many you keep', wholeNumber, BACKUPS_KEPT)
        .action((id: number, { keep }: { readonly keep: number }, command: Command) =>
          ask(io, command, { question: { ask: 'end-backup', id, keep }, print: listed }),
        ),
    )
    .addCommand(
      new Command('list')
        .description('print the backups that the ledger knows of')
        .action((_flags: unknown, command: Command) =>
          ask(io, command, { question: { ask: 'report' }, print: listed }),
        ),
    )
}

/** `tillbridge hq status`: the ledger, its backups, what is held back, and the server. */
export function hqStatusCommand(io: CliIo): Command {
  return new Command('status')
    .description('print how the ledger stands, and the HQ that runs on it, as JSON')
    .action((_flags: unknown, command: Command) =>
      ask(io, command, {
        question: { ask: 'report' },
        print: report => [JSON.stringify(report, undefined, 2)],
      }),
    )
}

async function ask(
  io: CliIo,
  command: Command,
  asked: {
    readonly question: DeskQuestion
    readonly print: (report: DeskReport) => readonly string[]
  },
): Promise<void> {
  // The ledger's options are those of `hq`, whichever side of the command they stand on.
  const place = ledgerPlaceOf(command.optsWithGlobals<LedgerFlags>(), io)
  try {
    for (const line of asked.print(await askLedger(place, asked.question))) io.print(line)
    io.exit(EXIT.ok)
  } catch (thrown) {
    io.complain(messageOf(thrown))
    io.exit(exitCodeOf(thrown))
  }
}

function listed({ backups }: DeskReport): readonly string[] {
  const safe = safePoint(backups)
  const lines = backups.map(({ id, begun, done = 'not done' }: BackupPoint) => {
    const mark = id === safe?.id ? '  stores may trim what it contains' : ''
    return `${id}  begun ${begun}  done ${done}${mark}`
  })
  return lines.length === 0 ? ['no backup is known: stores keep 35 days'] : lines
}

function wholeNumber(value: string): number {
  if (/^[1-9]\d{0,8}$/.test(value)) return Number(value)
  throw new InvalidArgumentError('expected a whole number from 1')
}
