import { toHex } from '../core/bytes.js'
import { messageOf } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import type { Event } from '../event/event.js'
import type { Capture, Decoded, Dialect } from '../profile/dialect.js'
import { statedEvent } from './stated-event.js'

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
  const decoded = decodeSafely(options)
  switch (decoded.type) {
    case 'events':
      return decoded
    case 'ignored':
      return { type: 'ignored' }
    case 'rejected':
      return { type: 'rejected', event: rejection({ ...options, issues: decoded.issues }) }
  }
}

/** A dialect that throws is a defect, but its frame must neither stop the shop nor vanish. */
function decodeSafely(options: {
  readonly dialect: Dialect
  readonly capture: Capture
  readonly frame: Frame
}): Decoded {
  const { dialect, capture, frame } = options
  try {
    return dialect.decode(frame.payload, capture)
  } catch (thrown) {
    return { type: 'rejected', issues: [`TB_INTERNAL: ${messageOf(thrown)}`] }
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
  return statedEvent({
    type: 'frame.rejected',
    capture,
    dialect,
    data: {
      issues: issues.slice(0, 20).map(issue => issue.slice(0, 400)),
      raw: toHex(kept),
      rawBytes: frame.raw.length,
    },
  })
}
