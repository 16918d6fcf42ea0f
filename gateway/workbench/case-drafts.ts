import { equalBytes, toHex } from '../core/bytes.js'
import type { Event } from '../event/event.js'
import type { Capture, DecodedMessage, InterpretingDialect } from '../profile/dialect.js'
import type { Case, Expectation } from '../profile/schema.js'
import { scrubBytes, sensitiveIn } from '../security/pan-scrub.js'
import { listen, type TimedBytes } from './listen.js'

/**
 * A case for each different frame without card data, with what the dialect makes of it now: to be
 * held against the manual and the printed receipt, for it says what was read, not what was meant.
 */
export function caseDrafts(options: {
  readonly dialect: InterpretingDialect
  readonly chunks: Iterable<TimedBytes>
  readonly capture: Capture
  readonly source: string
}): readonly Case[] {
  const { source, capture } = options
  const heardMs = capture.clock.wallMs()
  const still = { ...capture, clock: { ...capture.clock, wallMs: () => heardMs } }
  const drafts = new Map<string, Case>()
  for (const heard of listen({ ...options, capture: still })) {
    if (heard.type !== 'frame' || holdsCard(heard.raw)) continue
    const hex = toHex(heard.raw)
    const [message, ...others] = heard.delivered
    if (message === undefined || others.length > 0 || drafts.has(hex)) continue
    const expect = expectationOf(message, heardMs)
    const name = `${message.messages[0] ?? 'unknown'}-${drafts.size + 1}`
    if (expect !== undefined)
      drafts.set(hex, { name, source, direction: 'from-terminal', hex, expect })
  }
  return [...drafts.values()]
}

function expectationOf(
  { decoded, messages: [message = ''] }: DecodedMessage,
  heardMs: number,
): Expectation | undefined {
  switch (decoded.type) {
    case 'events': {
      const events = decoded.events.map(event => eventOf(event, heardMs))
      const [issue] = decoded.issues ?? []
      return { events, ...(issue === undefined ? {} : { rejected: issue }) }
    }
    case 'ignored':
      return { ignored: message }
    case 'part':
      return { part: message }
    case 'rejected':
      return { rejected: decoded.issues[0] ?? message }
    case 'sensitive':
      return undefined
  }
}

function holdsCard(bytes: Uint8Array): boolean {
  return sensitiveIn(bytes) !== undefined || !equalBytes(scrubBytes(bytes).value, bytes)
}

function eventOf({ type, subject, businessday, time, data }: Event, heardMs: number) {
  return {
    type,
    ...(subject === undefined ? {} : { subject }),
    ...(businessday === undefined ? {} : { businessday }),
    // Where it is not the terminal's own, it is when the bytes were heard.
    ...(Date.parse(time) === heardMs ? {} : { time }),
    data: { ...data },
  }
}
