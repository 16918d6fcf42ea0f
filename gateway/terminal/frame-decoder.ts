import { concatBytes, toHex } from '../core/bytes.js'
import { messageOf } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import type { Event } from '../event/event.js'
import type { Capture, Decoded, Dialect } from '../profile/dialect.js'
import { scrubEvent } from '../profile/scrub-event.js'
import type { KeyedDigest } from '../security/keyed-digest.js'
import { scrubBytes, scrubText, sensitiveIn } from '../security/pan-scrub.js'
import { statedEvent } from './stated-event.js'

/** A whole frame as the framer gave it. */
export interface Frame {
  readonly payload: Uint8Array
  readonly raw: Uint8Array
}

/** A frame, and all that is needed to say what it means. */
export interface FrameReading {
  readonly dialect: Dialect
  readonly capture: Capture
  readonly frame: Frame
  /** What is kept of a message that is not whole yet. */
  readonly held: readonly Uint8Array[]
  /** Stands for bytes that may not be kept. */
  readonly keyedDigest: KeyedDigest
}

/** What to keep from now on of a message that is not whole yet; absent: what is kept. */
type Held = readonly Uint8Array[] | undefined

/** What a frame came to. Every frame that says something becomes events, if only a rejection. */
export type FrameMeaning =
  | { readonly type: 'events'; readonly events: readonly Event[]; readonly held?: Held }
  /** A part of a message, which is not whole yet; what was given up for it is rejected. */
  | { readonly type: 'part'; readonly rejections: readonly Event[]; readonly held: Held }
  | { readonly type: 'ignored' }
  | { readonly type: 'rejected'; readonly event: Event; readonly held?: Held }
  /** It held what may not be kept: `what` that is, and the rejection, which holds nothing of it. */
  | { readonly type: 'dropped'; readonly what: string; readonly event: Event }

/** Card numbers end here: nothing behind it sees the frame itself. */
export function decodeFrame(reading: FrameReading): FrameMeaning {
  const sensitive = sensitiveIn(reading.frame.payload)
  if (sensitive !== undefined) return dropped(reading, sensitive)
  const decoded = decodeSafely(reading)
  switch (decoded.type) {
    case 'events':
      return cleanEvents(reading, decoded)
    case 'part':
      return partOf(reading, decoded)
    case 'ignored':
      return { type: 'ignored' }
    case 'sensitive':
      return dropped(reading, `a field of ${decoded.message}`)
    case 'rejected':
      return rejectedWith(reading, decoded)
  }
}

/** Of a message that came in several frames all are kept. */
function rejectedWith(
  reading: FrameReading,
  { issues, step }: Pick<Extract<Decoded, { type: 'rejected' }>, 'issues' | 'step'>,
): FrameMeaning {
  const event = rejection(withParts(reading, step?.givenUp ?? []), issues)
  return { type: 'rejected', event, ...(step === undefined ? {} : { held: step.held }) }
}

function partOf(
  reading: FrameReading,
  { message, step }: Extract<Decoded, { type: 'part' }>,
): FrameMeaning {
  const { held, givenUp } = step
  const issue = `${message}: expected the parts before it to become whole`
  const rejections = givenUp.length === 0 ? [] : [partsRejection(reading, { givenUp, issue })]
  return { type: 'part', rejections, held }
}

/** The `frame.rejected` of parts that never became whole. */
export function partsRejection(
  reading: Omit<FrameReading, 'frame'>,
  { givenUp, issue }: { readonly givenUp: readonly Uint8Array[]; readonly issue: string },
): Event {
  const parts = concatBytes(givenUp)
  return rejection({ ...reading, frame: { payload: parts, raw: parts } }, [issue])
}

/** The frame with these parts before it. */
function withParts(reading: FrameReading, parts: readonly Uint8Array[]): FrameReading {
  const { payload, raw } = reading.frame
  const frame = { payload: concatBytes([...parts, payload]), raw: concatBytes([...parts, raw]) }
  return parts.length === 0 ? reading : { ...reading, frame }
}

/** A dialect that throws is a defect, but its frame must neither stop the shop nor vanish. */
function decodeSafely({ dialect, capture, frame, held }: FrameReading): Decoded {
  try {
    return dialect.decode(frame.payload, capture, held)
  } catch (thrown) {
    return { type: 'rejected', issues: [`TB_INTERNAL: ${messageOf(thrown)}`] }
  }
}

function cleanEvents(
  reading: FrameReading,
  { events, issues = [], step }: Extract<Decoded, { type: 'events' }>,
): FrameMeaning {
  const { cardData } = reading.dialect
  const clean: Event[] = []
  for (const event of events) {
    const scrubbed = scrubEvent(event, { cardData })
    if (!scrubbed.ok) return rejectedWith(reading, { issues: [scrubbed.error], step })
    if (scrubbed.value.sensitive !== undefined) return dropped(reading, scrubbed.value.sensitive)
    clean.push(scrubbed.value.event)
  }
  const stated = [...new Set(clean.map(({ type }) => type))]
  if (issues.length > 0) clean.push(rejected(reading, { issues, stated, kept: keptOf(reading) }))
  return { type: 'events', events: clean, held: step?.held }
}

function dropped(reading: FrameReading, what: string): FrameMeaning {
  return { type: 'dropped', what, event: rejected(reading, { issues: [what], kept: undefined }) }
}

/** The `frame.rejected` of a frame, its bytes without card numbers. */
export function rejection(reading: FrameReading, issues: readonly string[]): Event {
  return rejected(reading, { issues, kept: keptOf(reading) })
}

/** Its bytes without card numbers; none where frames may hold card data. */
function keptOf({ dialect, frame }: FrameReading): Uint8Array | undefined {
  const raw = scrubBytes(frame.raw)
  const payload = scrubBytes(frame.payload)
  // Where a framing doubles bytes, a number may be seen in the payload alone.
  const isSame = Buffer.from(frame.raw).includes(Buffer.from(frame.payload))
  const isHidden = payload.hidden === 0 || (isSame && payload.hidden <= raw.hidden)
  const isSure = isHidden && (payload.sensitive ?? raw.sensitive) === undefined
  return isSure && !dialect.cardData ? raw.value : undefined
}

function rejected(
  { dialect, capture, frame, keyedDigest }: FrameReading,
  what: {
    readonly issues: readonly string[]
    readonly kept: Uint8Array | undefined
    readonly stated?: readonly string[]
  },
): Event {
  const { issues, kept, stated } = what
  return statedEvent({
    type: 'frame.rejected',
    capture,
    dialect,
    data: {
      issues: issues.slice(0, 20).map(issue => scrubIssue(issue).slice(0, 400)),
      raw: toHex((kept ?? new Uint8Array(0)).subarray(0, LIMITS.rejectedRawBytes)),
      rawBytes: frame.raw.length,
      ...(kept === undefined ? { keyedDigest: keyedDigest(frame.raw) } : {}),
      ...(stated === undefined ? {} : { stated: stated.slice(0, 20) }),
    },
  })
}

/** Issues name fields, not values; a defect's message may hold anything. */
function scrubIssue(issue: string): string {
  const { value, sensitive } = scrubText(issue, { runs: 'inside', isAboutCards: true })
  return sensitive ?? value
}
