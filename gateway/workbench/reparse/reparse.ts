import { fromHex } from '../../core/bytes.js'
import type { Clock } from '../../core/clock.js'
import { derivedEventId, isDerivedEventId, storeId, terminalId } from '../../core/ids.js'
import { seededRandom } from '../../core/random.js'
import type { Event, EventOf } from '../../event/event.js'
import { mayRepeat } from '../../event/may-repeat.js'
import type { InterpretingDialect } from '../../profile/dialect.js'
import { interpretingMqtt, isPublished } from '../../profile/over-mqtt.js'
import { decodedLines } from '../decoded-lines.js'

/** What a rejected frame says to the dialect as it is now. */
export type Reparsed =
  | { readonly type: 'decoded'; readonly events: readonly Event[] }
  /** It says nothing to HQ after all. */
  | { readonly type: 'ignored' }
  | { readonly type: 'undecodable'; readonly reason: string }

/** A card number as `scrubBytes` leaves it: in text, and in packed BCD. */
const HIDDEN_TEXT = /\d{1,6}\*{4,9}\d{4}/
const HIDDEN_BCD = /[0-9]{1,6}e{4,9}[0-9]{4}/

/**
 * The events of a rejected frame, as of when it was heard. They have the terminal's own ids where
 * it numbers its messages, and else ids that follow from the rejected event's: whoever decodes it
 * once more makes the same events, and nothing doubles. What the frame stated besides stands in the
 * journal already, and is not said again; money without a number may stand there of a repeat, and
 * is flagged. Bytes that were hidden or cut off are not guessed.
 */
export function reparse(options: {
  readonly rejected: EventOf<'frame.rejected'>
  readonly dialect: InterpretingDialect
  readonly clock: Clock
  readonly timeZone: string
}): Reparsed {
  const { rejected, timeZone } = options
  const { raw, rawBytes } = rejected.data
  const missing = missingBytes(raw, rawBytes)
  if (missing !== undefined) return { type: 'undecodable', reason: missing }
  const bytes = fromHex(raw)
  const dialect = isPublished(bytes) ? interpretingMqtt(options.dialect) : options.dialect
  const heardMs = Date.parse(rejected.time)
  const lines = [
    ...decodedLines({
      dialect,
      chunks: [{ atMs: 0, from: 'terminal', bytes }],
      capture: {
        store: storeId(rejected.store),
        terminal: terminalId(rejected.terminal),
        timeZone,
        clockState: rejected.clock,
        clock: { ...options.clock, wallMs: () => heardMs },
        random: seededRandom(heardMs),
      },
    }),
  ]
  const issues = lines.flatMap(line => ('rejected' in line ? line.rejected : []))
  if (issues.length > 0) return { type: 'undecodable', reason: issues.join('; ') }
  const { stated = [] } = rejected.data
  const events = lines.flatMap(line => ('event' in line ? [line.event] : []))
  const news = events.flatMap((event, at) => {
    const isKnown = stated.includes(event.type) && !isDerivedEventId(event.id)
    return isKnown ? [] : [linked(event, rejected, at)]
  })
  if (news.length > 0) return { type: 'decoded', events: news }
  if (events.length > 0) return { type: 'ignored' }
  const isFrame = dialect
    .createFramer()
    .push(bytes)
    .some(({ type }) => type === 'frame')
  return isFrame ? { type: 'ignored' } : { type: 'undecodable', reason: 'it holds no whole frame' }
}

/** Why not all of the frame is there. */
function missingBytes(raw: string, rawBytes: number): string | undefined {
  if (raw === '') return 'its bytes were not kept: they may have held card data'
  if (raw.length / 2 < rawBytes) return `only ${raw.length / 2} of its ${rawBytes} bytes were kept`
  const text = Buffer.from(raw, 'hex').toString('latin1')
  const isHidden = HIDDEN_TEXT.test(text) || HIDDEN_BCD.test(raw)
  return isHidden ? 'a card number in it is hidden' : undefined
}

function linked(event: Event, rejected: EventOf<'frame.rejected'>, at: number): Event {
  const { store, terminal, id: reparsedfrom } = rejected
  const id = isDerivedEventId(event.id)
    ? event.id
    : derivedEventId([store, terminal, 'reparsed', reparsedfrom, String(at)])
  const flag = mayRepeat(event) ? { possiblerepeat: true as const } : {}
  return { ...event, id, reparsedfrom, ...flag }
}
