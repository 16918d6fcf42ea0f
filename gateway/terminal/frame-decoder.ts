import { toHex } from '../core/bytes.js'
import { newEventId } from '../core/ids.js'
import { LIMITS } from '../core/limits.js'
import type { Event } from '../event/event.js'
import { makeEvent } from '../event/make-event.js'
import type { Capture, Dialect } from '../profile/dialect.js'

/** A whole frame as the framer gave it. */
export interface Frame {
  readonly payload: Uint8Array
  readonly raw: Uint8Array
}

/** What a frame came to. Every frame that says something becomes events, if only a rejection. */
export type FrameMeaning =
  | { readonly type: 'events'; readonly events: readonly Event[] }
  | { readonly type: 'ignored' }
  | { readonly type: 'rejected'; readonly event: Event }

export function decodeFrame(options: {
  readonly dialect: Dialect
  readonly capture: Capture
  readonly frame: Frame
}): FrameMeaning {
  const { dialect, capture, frame } = options
  const decoded = dialect.decode(frame.payload, capture)
  switch (decoded.type) {
    case 'events':
      return decoded
    case 'ignored':
      return { type: 'ignored' }
    case 'rejected':
      return { type: 'rejected', event: rejection({ ...options, issues: decoded.issues }) }
  }
}

/** The `frame.rejected` of a frame. Where frames may hold card data, their bytes are not kept. */
export function rejection(options: {
  readonly dialect: Dialect
  readonly capture: Capture
  readonly frame: Frame
  readonly issues: readonly string[]
}): Event {
  const { dialect, capture, frame, issues } = options
  const kept = dialect.cardData ? new Uint8Array(0) : frame.raw.subarray(0, LIMITS.rejectedRawBytes)
  return makeEvent({
    type: 'frame.rejected',
    id: newEventId(capture.clock, capture.random),
    store: capture.store,
    terminal: capture.terminal,
    wallMs: capture.clock.wallMs(),
    timeZone: capture.timeZone,
    clockState: capture.clockState,
    profile: dialect.id,
    data: {
      issues: issues.slice(0, 20).map(issue => issue.slice(0, 400)),
      raw: toHex(kept),
      rawBytes: frame.raw.length,
    },
  })
}
