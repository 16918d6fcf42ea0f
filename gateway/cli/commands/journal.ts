import { Command } from 'commander'
import type { CliIo } from '../io.js'
import { journalExportCommand } from './journal-export.js'
import { journalListCommand } from './journal-list.js'
import { journalShowCommand } from './journal-show.js'
import { journalStatementCommand } from './journal-statement.js'
import { journalVerifyCommand } from './journal-verify.js'

const NOTES = `
<dir> is a data directory, the journal folder in it, or a copy of either, on any medium: nothing in
it is changed. A running gateway has its journal locked: copy the folder and look at the copy.
Memory stays the same however long the journal is; for a while some MiB are needed in TMPDIR.

Exit codes: 0 sound, or found; 1 a fault, or not found; 2 usage; 3 a gateway has it open; 4 it could
not be opened at all. What verify proves, and what not: docs/audit.md`

/** `tillbridge journal`: what the journal of a stopped gateway holds, or of a copy. */
export function journalCommand(io: CliIo): Command {
  return new Command('journal')
    .description(
      'the journal of a stopped gateway, or a copy: verify, list, show, export, statement',
    )
    .addCommand(journalVerifyCommand(io))
    .addCommand(journalListCommand(io))
    .addCommand(journalShowCommand(io))
    .addCommand(journalExportCommand(io))
    .addCommand(journalStatementCommand(io))
    .addHelpText('after', NOTES)
}
