import type { EpochId } from '../core/ids.js'
import type { EpochReceipt } from '../wire/receipt.js'
import type { EpochState } from './epoch-state.js'

/**
 * The states that a receipt changes. It speaks of the epochs it names and of those HQ was asked
 * about (all where `asked` is left out): of one of these that it does not name, HQ has nothing.
 */
export function changedBy(
  states: readonly EpochState[],
  receipts: readonly EpochReceipt[],
  asked?: ReadonlySet<EpochId>,
): readonly EpochState[] {
  const byEpoch = new Map(receipts.map(receipt => [receipt.epoch, receipt]))
  return states.flatMap(state => {
    const receipt = byEpoch.get(state.epoch)
    if (receipt === undefined && asked?.has(state.epoch) === false) return []
    const isSame = JSON.stringify(state.receipt) === JSON.stringify(receipt)
    return isSame ? [] : [withReceipt(state, receipt)]
  })
}

export function withReceipt(state: EpochState, receipt: EpochReceipt | undefined): EpochState {
  const { receipt: _, ...rest } = state
  return receipt === undefined ? rest : { ...rest, receipt }
}
