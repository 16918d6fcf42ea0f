import { eventId, type StoreId, terminalId } from '../../gateway/core/ids.js'
import type { Event } from '../../gateway/event/event.js'
import { makeEvent } from '../../gateway/event/make-event.js'
import { NOON_MS } from './sample.js'

const which = { document: 'prices', kind: 'prices', sha256: 'A'.repeat(43) } as const

/** What a store says about a document `prices`. */
export function documentEvents(store: StoreId) {
  const common = { store, clockState: 'synced', timeZone: 'UTC' } as const
  let number = 0
  const next = () => {
    number += 1
    return eventId(`document-${store}-${number}`)
  }
  return {
    received: (version: number, targets: readonly string[], document = 'prices'): Event =>
      makeEvent({
        ...common,
        type: 'document.received',
        id: next(),
        terminal: terminalId('gateway'),
        wallMs: NOON_MS,
        data: { ...which, document, version, bytes: 9, targets: [...targets] },
      }),
    applied: (terminal: string, version: number, refused = 0): Event =>
      makeEvent({
        ...common,
        type: 'document.applied',
        id: next(),
        terminal: terminalId(terminal),
        wallMs: NOON_MS,
        data: {
          ...which,
          version,
          lines: 9,
          refused,
          doubtful: 0,
          ...(refused === 0 ? {} : { reason: 'PLU 7: no such article' }),
        },
      }),
  }
}
