import { messageOf } from '../core/errors.js'
import type { Journal } from '../journal/journal.js'
import type { PassContext } from './pass.js'

/** Never rejects: what the journal throws stopped its trimming, and the receipt counts. */
export async function confirmJournal(
  { journal, logger, progress }: PassContext,
  ...receipt: Parameters<Journal['confirm']>
): Promise<void> {
  progress?.confirmed(receipt[0])
  try {
    await journal.confirm(...receipt)
  } catch (thrown) {
    logger.error({ reason: messageOf(thrown) }, 'the journal cannot trim what is confirmed')
  }
}
