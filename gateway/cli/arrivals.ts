import { z } from 'zod'
import { epochIdSchema } from '../core/id-schema.js'
import type { StoreId } from '../core/ids.js'
import { parseWith } from '../core/schema.js'
import type { Arrival } from '../hq/tracking-desk.js'
import { trackInLedger } from './ask-ledger.js'
import type { LedgerPlace } from './hq-ledger.js'

/** Of what a shop says about a receipt, where its records stand. */
const places = z.array(z.object({ epoch: epochIdSchema, seq: z.int().min(1) }))

/**
 * Where the records that a shop has found stand at HQ: in words, and for programs.
 * @throws TillbridgeError TB_LEDGER_…
 */
export async function arrivalsOf(
  found: unknown,
  at: { readonly store: StoreId; readonly place: LedgerPlace },
): Promise<{ readonly text: readonly string[]; readonly data: readonly Arrival[] }> {
  const parsed = parseWith(places, found)
  const asked = parsed.ok ? parsed.value.map(({ epoch, seq }) => ({ epoch, seq })) : []
  if (asked.length === 0) return { text: [], data: [] }
  const question = { ask: 'places', store: at.store, places: asked.slice(0, 20) } as const
  const { arrivals } = await trackInLedger(at.place, question)
  const missing = asked.filter(
    ({ epoch, seq }) => !arrivals.some(one => one.epoch === epoch && one.seq === seq),
  )
  const text = [
    ...arrivals.flatMap(arrivalText),
    ...missing.map(({ epoch, seq }) => `HQ has no record ${seq} of epoch ${epoch}`),
  ]
  return { text, data: arrivals }
}

function arrivalText({ epoch, seq, committed, publication, published }: Arrival): string[] {
  const fates = {
    waiting: 'not yet',
    refused: "refused by HQ's broker, and offered again (`hq status`)",
    published: published ?? 'before that was noted',
    never: 'not at all: it repeats another event, or came without its data',
  }
  return [
    `HQ has record ${seq} of epoch ${epoch}`,
    `    committed  ${committed}`,
    `    published  ${fates[publication]}`,
  ]
}
