import { z } from 'zod'
import { systemClock } from '../../core/clock.js'
import type { RangeSet } from '../../core/range-set.js'
import { type Whereabouts, whereIs } from '../../diagnostics/where-is.js'
import type { GatewayVerb } from '../../downlink/gateway-verb.js'
import { bootId } from '../boot-id.js'
import { type Diagnosed, question } from './diagnosed.js'

/** How the journal stands, and how far one receipt has come. */
export function journalQuestion(diagnosed: Diagnosed): GatewayVerb {
  return question({
    name: 'journal',
    arguments: z.strictObject({
      receipt: z.string().min(1).exactOptional(),
      terminal: z.string().exactOptional(),
    }),
    answer: async ({ receipt, terminal }, { signal }) => {
      if (receipt !== undefined) {
        const { journal, shop } = diagnosed
        const { journey } = shop.instruments
        const wanted = { text: receipt, ...(terminal === undefined ? {} : { terminal }) }
        const search = { journal, journey, clock: systemClock, bootId: bootId(), signal }
        const found = await whereIs(wanted, search)
        const none = [`the journal holds no ${receipt}: never heard, or confirmed and trimmed`]
        return { text: found.length === 0 ? none : found.flatMap(placeText), data: found }
      }
      const data = journalReport(diagnosed)
      const { status, epochs, receipts } = data
      const text = [
        `${status.records} records, ${status.backlog} unconfirmed; ${receipts} receipts by now`,
        ...epochs.map(
          ({ epoch, first, last, pending }) =>
            `epoch ${epoch}: ${first} to ${last}, unconfirmed ${rangesText(pending)}`,
        ),
      ]
      return { text, data }
    },
  })
}

export function journalReport({ shop, journal, status }: Diagnosed) {
  return {
    status: status().journal,
    epochs: journal.epochs(),
    receipts: shop.instruments.journey.receipts,
  }
}

function rangesText(pending: RangeSet): string {
  return pending.map(([first, last]) => `${first} to ${last}`).join(', ') || 'none'
}

function placeText(found: Whereabouts): readonly string[] {
  const { terminal, type, id, epoch, seq, captured, journaled, sent, isCommitted } = found
  const before = 'before this gateway started'
  const committed = isCommitted ? (found.committed ?? before) : 'not yet: no receipt covers it'
  return [
    `${type} ${id} of ${terminal}, record ${seq} of epoch ${epoch}`,
    `    captured   ${captured}`,
    `    journaled  ${journaled ?? 'before this machine started'}`,
    `    sent       ${sent ?? (isCommitted ? before : 'not yet')}`,
    `    committed  ${committed}`,
  ]
}
