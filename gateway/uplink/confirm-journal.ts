import { messageOf } from '../core/errors.js'
import type { EpochReceipt } from '../wire/receipt.js'
import type { PassContext } from './pass.js'

/** Never rejects: what the journal throws stopped its trimming, and the receipt counts. */
export async function confirmJournal(
  { journal, logger }: PassContext,
  epochs: readonly EpochReceipt[],
): Promise<void> {
  try {
    await journal.confirm(epochs)
  } catch (thrown) {
    logger.error({ reason: messageOf(thrown) }, 'the journal cannot trim what is confirmed')
  }
}
