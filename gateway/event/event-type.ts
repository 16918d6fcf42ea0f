import type { ZodType } from 'zod'

/**
 * How a record is kept (sync.md, rule 6): `ledger` is never evicted; `telemetry` goes first when
 * the disk runs low; `limited` is rate-limited with a quota per terminal.
 */
export type RecordClass = 'ledger' | 'telemetry' | 'limited'

/** What the catalog knows of one event type. `version` grows when `data` changes incompatibly. */
export interface EventTypeDefinition {
  readonly class: RecordClass
  readonly version: number
  readonly data: ZodType
}
