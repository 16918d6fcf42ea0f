import { z } from 'zod'
import type { Operation } from '../core/database.js'
import { TillbridgeError } from '../core/errors.js'
import { storeIdSchema } from '../core/id-schema.js'
import { parseJson } from '../core/schema.js'
import { seal, unseal } from '../core/sealed.js'
import { decodeRecordLine, encodeRecordLine, type JournalRecord } from '../wire/record.js'
import type { LedgerRow } from './ledger.js'
import { rowKey } from './ledger-keys.js'

const rowNote = z.strictObject({
  store: storeIdSchema,
  kind: z.enum(['event', 'duplicate', 'conflict', 'evicted']),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  historical: z.boolean(),
  recordedMs: z.int(),
})

/** What the ledger notes of a record beside the record itself. */
export type RowNote = z.infer<typeof rowNote>

const LINE_FEED = 0x0a

/** A row as stored: its note as a line of JSON, then the record's line as the store sent it. */
export function storeRow(options: {
  readonly position: number
  readonly note: RowNote
  readonly record: JournalRecord
}): Operation {
  const { position, note, record } = options
  const line = Buffer.from(`${JSON.stringify(note)}\n`)
  const value = seal(Buffer.concat([line, encodeRecordLine(record)]))
  return { type: 'put', key: rowKey(position), value }
}

/** @throws DamagedRowError */
export function parseRow(position: number, sealed: Uint8Array): LedgerRow {
  const value = unseal(sealed)
  const end = value?.indexOf(LINE_FEED) ?? -1
  if (value === undefined || end < 0) throw new DamagedRowError(position)
  const json = parseJson(Buffer.from(value.subarray(0, end)).toString('utf8'))
  const note = rowNote.safeParse(json.ok ? json.value : undefined)
  const record = decodeRecordLine(value.subarray(end + 1))
  if (!note.success || !record.ok) throw new DamagedRowError(position)
  const { header, body } = record.value
  const event = body.type === 'event' ? body.bytes : undefined
  return { position, ...note.data, header, event }
}

/** TB_LEDGER_UNREADABLE of one row. */
export class DamagedRowError extends TillbridgeError {
  readonly position: number

  constructor(position: number) {
    super('TB_LEDGER_UNREADABLE', `row ${position} is damaged`)
    this.position = position
  }
}
