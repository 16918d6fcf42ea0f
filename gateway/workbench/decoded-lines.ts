import type { Event } from '../event/event.js'
import type { Capture, InterpretingDialect } from '../profile/dialect.js'
import { scrubEvent } from '../profile/scrub-event.js'
import { listen, type TimedBytes } from './listen.js'

/** What the gateway would journal of a capture, an event or a rejection at a time. */
export type DecodedLine =
  | { readonly atMs: number; readonly event: Event }
  | { readonly atMs: number; readonly rejected: readonly string[] }

export function* decodedLines(options: {
  readonly dialect: InterpretingDialect
  readonly chunks: Iterable<TimedBytes>
  readonly capture: Capture
}): Generator<DecodedLine, void, undefined> {
  const { cardData } = options.dialect
  for (const heard of listen(options)) {
    if (!('delivered' in heard) || (heard.type === 'frame' && heard.isHeldBack)) continue
    const { atMs } = heard
    for (const { decoded } of heard.delivered) {
      if (decoded.type === 'sensitive') yield { atMs, rejected: [`${decoded.message}: sensitive`] }
      if (decoded.type === 'rejected') yield { atMs, rejected: decoded.issues }
      if (decoded.type !== 'events') continue
      for (const event of decoded.events) {
        const clean = scrubEvent(event, { cardData })
        const isClean = clean.ok && clean.value.sensitive === undefined
        if (isClean) yield { atMs, event: clean.value.event }
        else yield { atMs, rejected: ['what looks like card data'] }
      }
      if (decoded.issues !== undefined) yield { atMs, rejected: decoded.issues }
    }
  }
}
