import { z } from 'zod'
import { TillbridgeError } from '../../core/errors.js'
import { type ChainState, chainState, coverage } from '../chain-state.js'

/** A chain as it stands in the database, and its number there. */
export interface StoredChain {
  readonly chain: number
  readonly state: ChainState
}

export const CHAIN_COLUMNS = 'chain, epoch, segments, ending, backed'

const chainRow = z.object({
  chain: z.int(),
  epoch: z.string(),
  segments: z.unknown(),
  ending: z.unknown(),
  backed: z.unknown(),
})

/** A row with `CHAIN_COLUMNS`. @throws TillbridgeError TB_LEDGER_UNREADABLE */
export function parseChain(row: unknown): StoredChain {
  const { chain, epoch, segments, ending, backed } = chainRow.parse(row)
  const state = chainState.safeParse({
    epoch,
    segments,
    ...(ending === null ? {} : { end: ending }),
    ...(backed === null ? {} : { backed }),
  })
  if (state.success) return { chain, state: state.data }
  const message = `what the database has of epoch ${epoch} is damaged`
  throw new TillbridgeError('TB_LEDGER_UNREADABLE', message)
}

/** For the columns committed, segments, ending and backed. */
export function chainValues(state: ChainState): readonly (string | null)[] {
  const committed = coverage(state).map(([first, last]) => `[${first},${last}]`)
  const { segments, end, backed } = state
  return [
    `{${committed.join(',')}}`,
    JSON.stringify(segments),
    end === undefined ? null : JSON.stringify(end),
    backed === undefined ? null : JSON.stringify(backed),
  ]
}
