import { Command } from 'commander'
import { rfc3339 } from '../../core/clock.js'
import { decodeEvent, type Event } from '../../event/event.js'
import type { JournalCopy } from '../../journal/journal-copy.js'
import type { Slot } from '../../journal/keys.js'
import { type Scanned, scanRecords } from '../../journal/record-scan.js'
import { describeSlot, lookAtJournal, parseSlot } from '../evidence.js'
import { EXIT, type ExitCode } from '../exit-codes.js'
import type { CliIo } from '../io.js'
import { printable } from '../printable.js'

export interface RangeFlags {
  readonly from?: string
  readonly to?: string
}

interface Flags extends RangeFlags {
  readonly type?: string
  readonly terminal?: string
  readonly day?: string
}

/** `tillbridge journal list`: a line a record. */
export function journalListCommand(io: CliIo): Command {
  return rangeOptions(new Command('list'))
    .description('list records: place, time, terminal, type, subject or id')
    .option('--type <type>', 'only of this type: sale.completed')
    .option('--terminal <id>', 'only of this terminal')
    .option('--day <date>', 'only of this business day, or local date where they have none')
    .action(async (dir: string, flags: Flags) => {
      const range = rangeOf(flags, io)
      await lookAtJournal({ io, path: dir }, (journal, signal) =>
        list({ io, journal, range, flags, signal }),
      )
    })
}

export function rangeOptions(command: Command): Command {
  return command
    .argument('<dir>', 'a data directory, or the journal folder in it')
    .option(
      '--from <place>',
      'from this record on: 2/4711, the ordinal of its epoch and its number',
    )
    .option('--to <place>', 'up to this record, with it')
}

/** The range that was asked for; a misspelt place ends the process. */
export function rangeOf(
  flags: RangeFlags,
  io: CliIo,
): { readonly from?: Slot; readonly to?: Slot } {
  const slotOf = (flag: 'from' | 'to'): Slot | undefined => {
    const text = flags[flag]
    const slot = text === undefined ? undefined : parseSlot(text)
    if (text === undefined || slot !== undefined) return slot
    io.complain(`--${flag}: expected a place; write --${flag} 2/4711`)
    return io.exit(EXIT.usage)
  }
  const [from, to] = [slotOf('from'), slotOf('to')]
  return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }
}

async function list(options: {
  readonly io: CliIo
  readonly journal: JournalCopy
  readonly range: ReturnType<typeof rangeOf>
  readonly flags: Flags
  readonly signal: AbortSignal
}): Promise<ExitCode> {
  const { io, journal, range, flags, signal } = options
  let isWhole = true
  for await (const scanned of scanRecords({ database: journal.database, ...range })) {
    if (signal.aborted) break
    if (scanned.type === 'unreadable') {
      io.complain(`${describeSlot(scanned.slot)}: ${scanned.reason}`)
      isWhole = false
      continue
    }
    const line = lineOf(scanned, flags)
    if (line !== undefined) io.print(printable(line))
  }
  return isWhole ? EXIT.ok : EXIT.findings
}

/** Nothing where the flags leave the record out. */
function lineOf(
  scanned: Extract<Scanned, { readonly type: 'record' }>,
  flags: Flags,
): string | undefined {
  const { slot, record, wallMs } = scanned
  const { header, body } = record
  const decoded = body.type === 'event' ? decodeEvent(body.bytes) : undefined
  const event = decoded?.ok ? decoded.value : undefined
  const { time = rfc3339(wallMs, 'UTC'), terminal = '-' } = event ?? {}
  if (flags.type !== undefined && flags.type !== header.type) return undefined
  if (flags.terminal !== undefined && flags.terminal !== terminal) return undefined
  if (flags.day !== undefined && flags.day !== (event?.businessday ?? time.slice(0, 10)))
    return undefined
  const about = body.type === 'evicted' ? '(evicted)' : aboutOf(event)
  return [describeSlot(slot), time, terminal, header.type, about].join('  ')
}

function aboutOf(event: Event | undefined): string {
  if (event === undefined) return '(of another version)'
  return event.subject ?? event.id
}
