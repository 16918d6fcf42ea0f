import { z } from 'zod'
import type { Database, Operation } from '../core/database.js'
import { TillbridgeError } from '../core/errors.js'
import { epochIdSchema } from '../core/id-schema.js'
import { type EpochId, epochOrdinal } from '../core/ids.js'
import { describeIssues, parseJson, parseWith } from '../core/schema.js'
import { seal, unseal } from '../core/sealed.js'
import { epochReceipt } from '../wire/receipt.js'
import { gapSchema } from './gap.js'
import { EPOCH_KEYS, epochKey, ordinalOfKey } from './keys.js'

/** Members that a later version adds are ignored (format.ts). */
const epochState = z.object({
  epoch: epochIdSchema,
  /** The oldest record kept; `last` + 1 where none is left. */
  first: z.int().min(1),
  /** As stored it is exact for closed epochs only: appends to the current one do not rewrite it. */
  last: z.int().min(0),
  /** Chain hash of the record before `first`. */
  previous: z.string().regex(/^[0-9a-f]{64}$/),
  /** What HQ last confirmed of this epoch. */
  receipt: epochReceipt.exactOptional(),
  /** What of `first` to `last` cannot be read any more, ascending. */
  gaps: z.array(gapSchema).exactOptional(),
})

const DAMAGED = 'what the journal knew of an epoch is damaged'

/** What the journal knows of an epoch without reading its records. */
export type EpochState = z.infer<typeof epochState>

/** What `loadEpochs` would refuse is a defect: it is thrown here, not at the next start. */
export function storeEpoch(state: EpochState): Operation {
  const checked = parseWith(epochState, state)
  if (!checked.ok)
    throw new TypeError(`state of epoch ${state.epoch}: ${describeIssues(checked.error)}`)
  const value = seal(Buffer.from(JSON.stringify(state)))
  return { type: 'put', key: epochKey(state.epoch), value }
}

export function forgetEpoch(epoch: EpochId): Operation {
  return { type: 'del', key: epochKey(epoch) }
}

/** All epochs, oldest first. @throws TillbridgeError TB_JOURNAL_UNREADABLE where one is damaged. */
export async function loadEpochs(database: Database): Promise<readonly EpochState[]> {
  const states: EpochState[] = []
  for await (const [key, sealed] of database.iterator(EPOCH_KEYS)) {
    const state = parseState(sealed)
    if (state === undefined || epochOrdinal(state.epoch) !== ordinalOfKey(key))
      throw new TillbridgeError('TB_JOURNAL_UNREADABLE', DAMAGED)
    states.push(state)
  }
  return states
}

/** What a stored state says, or nothing where it is damaged. */
export function parseState(sealed: Uint8Array): EpochState | undefined {
  const json = parseJson(Buffer.from(unseal(sealed) ?? []).toString('utf8'))
  return epochState.safeParse(json.ok ? json.value : undefined).data
}
