import { Command } from 'commander'
import { rfc3339 } from '../../core/clock.js'
import { parseJson } from '../../core/schema.js'
import type { JournalCopy } from '../../journal/journal-copy.js'
import { type Scanned, scanRecords } from '../../journal/record-scan.js'
import { describeSlot, lookAtJournal, parseSlot } from '../evidence.js'
import { EXIT, type ExitCode } from '../exit-codes.js'
import type { CliIo } from '../io.js'

/** `tillbridge journal show`: one record in full. */
export function journalShowCommand(io: CliIo): Command {
  return new Command('show')
    .description('show a record in full, by its place or the id of its event')
    .argument('<dir>', 'a data directory, or the journal folder in it')
    .argument('<place or id>', '2/4711; an id is searched for in the whole journal')
    .action(async (dir: string, asked: string) => {
      await lookAtJournal({ io, path: dir }, (journal, signal) =>
        show({ io, journal, asked, signal }),
      )
    })
}

async function show(options: {
  readonly io: CliIo
  readonly journal: JournalCopy
  readonly asked: string
  readonly signal: AbortSignal
}): Promise<ExitCode> {
  const { io, journal, asked, signal } = options
  const slot = parseSlot(asked)
  const range = slot === undefined ? {} : { from: slot, to: slot }
  let found = 0
  for await (const scanned of scanRecords({ database: journal.database, ...range })) {
    if (signal.aborted) break
    if (scanned.type === 'unreadable') {
      io.complain(`${describeSlot(scanned.slot)}: ${scanned.reason}`)
      continue
    }
    if (slot === undefined && eventOf(scanned)?.id !== asked) continue
    found += 1
    io.print(describe(scanned))
  }
  if (found > 0) return EXIT.ok
  io.complain(`${asked}: there is no such record`)
  return EXIT.findings
}

type Found = Extract<Scanned, { readonly type: 'record' }>

function describe(scanned: Found): string {
  const { slot, record, previous, wallMs } = scanned
  const { header, body, hash } = record
  const full = {
    place: describeSlot(slot),
    journaled: rfc3339(wallMs, 'UTC'),
    header,
    ...(previous === undefined ? {} : { previous }),
    hash,
    ...(body.type === 'evicted' ? { evicted: body.digest } : { event: eventOf(scanned) }),
  }
  return JSON.stringify(full, null, 2)
}

/** The event as the JSON that it is, whatever version wrote it. */
function eventOf({ record: { body } }: Found): { readonly id?: unknown } | undefined {
  if (body.type === 'evicted') return undefined
  const json = parseJson(Buffer.from(body.bytes).toString('utf8'))
  return json.ok && typeof json.value === 'object' && json.value !== null ? json.value : undefined
}
