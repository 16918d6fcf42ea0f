import { systemClock } from '../core/clock.js'
import { storeId, terminalId } from '../core/ids.js'
import { seededRandom } from '../core/random.js'
import { canonicalJson } from '../event/canonical-json.js'
import type { Event } from '../event/event.js'
import type { Capture, DecodedMessage, InterpretingDialect } from '../profile/dialect.js'
import { scrubEvent } from '../profile/scrub-event.js'
import type { ReadMessage } from '../protocol/protocol.js'
import { scrubBytes, scrubText, sensitiveIn } from '../security/pan-scrub.js'
import { type Heard, listen, type TimedBytes } from './listen.js'

/** Bytes and what they mean, side by side; no card number is left in any of it. */
export interface Explanation {
  readonly atMs: number
  readonly offset: number
  readonly kind: 'frame' | 'discarded' | 'host'
  /** As long as what came; empty where it holds what may not even be shown. */
  readonly bytes: Uint8Array
  /** Which of them are the payload; the others are the framing's. */
  readonly payload: { readonly start: number; readonly end: number }
  /** In the order to be read. */
  readonly notes: readonly Note[]
}

export interface Note {
  readonly type: 'head' | 'message' | 'field' | 'event' | 'bad' | 'answer'
  readonly text: string
}

type Shown = Exclude<Heard, { type: 'delivered' }>

const WHY = {
  noise: 'noise: no frame begins or ends here',
  checksum: 'checksum: the one on the line is not the one of these bytes',
  'too-long': 'too long: no end within maxFrameBytes',
  idle: 'idle: silence came before the rest',
} as const

/** A capture for bytes whose terminal nobody knows. */
export function captureNow(timeZone: string): Capture {
  return {
    store: storeId('store-001'),
    terminal: terminalId('terminal-1'),
    timeZone,
    clockState: 'unsure',
    clock: systemClock,
    random: seededRandom(1),
  }
}

export function* explain(options: {
  readonly dialect: InterpretingDialect
  readonly chunks: Iterable<TimedBytes>
  readonly capture: Capture
}): Generator<Explanation, void, undefined> {
  // A frame that is held back is explained where it stands.
  for (const heard of listen(options))
    if (heard.type !== 'delivered') yield explanationOf(heard, options.dialect)
}

function explanationOf(heard: Shown, dialect: InterpretingDialect): Explanation {
  const { atMs, offset, raw } = heard
  const isSensitive = sensitiveIn(raw) !== undefined || isSensitiveMessage(heard)
  const bytes = isSensitive ? new Uint8Array(0) : scrubBytes(raw).value
  const whole = { start: 0, end: raw.length }
  const place = { atMs, offset, bytes }
  switch (heard.type) {
    case 'host': {
      const head: Note = { type: 'head', text: `from the host, ${count(raw)}` }
      return { ...place, kind: 'host', payload: whole, notes: [head] }
    }
    case 'discarded': {
      const head: Note = { type: 'head', text: `discarded, ${count(raw)}` }
      const why: Note = { type: 'bad', text: WHY[heard.reason] }
      const notes = [head, why, ...heard.answers.map(answerNote)]
      return { ...place, kind: 'discarded', payload: whole, notes }
    }
    case 'frame': {
      const at = Buffer.from(raw).indexOf(heard.payload)
      const payload = at < 0 ? whole : { start: at, end: at + heard.payload.length }
      return { ...place, kind: 'frame', payload, notes: frameNotes(heard, dialect) }
    }
  }
}

function isSensitiveMessage(heard: Shown): boolean {
  return heard.type === 'frame' && heard.delivered.some(one => one.decoded.type === 'sensitive')
}

function frameNotes(
  heard: Extract<Heard, { type: 'frame' }>,
  dialect: InterpretingDialect,
): readonly Note[] {
  const { raw, delivered, isHeldBack, answers } = heard
  const head = `frame, ${count(raw)}${isHeldBack ? ', which the link does not take' : ''}`
  return [
    { type: 'head', text: head },
    ...delivered.flatMap(message => messageNotes(message, dialect)),
    ...answers.map(answerNote),
  ]
}

function messageNotes(
  { messages, read, decoded }: DecodedMessage,
  { cardData }: InterpretingDialect,
): readonly Note[] {
  const names = messages.map(name => ({ type: 'message', text: `message ${name}` }) as const)
  if (decoded.type === 'sensitive') {
    const text = 'it holds what may not be kept: dropped, and an alarm'
    return [...names, { type: 'bad', text }]
  }
  const fields =
    read.length > 0
      ? read.flatMap(one => [
          { type: 'message' as const, text: `message ${one.name}` },
          ...fieldNotes(one, cardData),
        ])
      : names
  switch (decoded.type) {
    case 'events':
      return [
        ...fields,
        ...decoded.events.flatMap(event => eventNotes(event, cardData)),
        ...(decoded.issues ?? []).map(badNote),
      ]
    case 'part':
      return [...fields, { type: 'event', text: 'a part: kept until its message is whole' }]
    case 'ignored':
      return [...fields, { type: 'event', text: 'ignored: it says nothing to HQ' }]
    case 'rejected':
      return [...fields, ...decoded.issues.map(badNote), badNote('event frame.rejected')]
  }
}

function fieldNotes({ fields }: ReadMessage, isAboutCards: boolean): readonly Note[] {
  const shown = (value: unknown): string =>
    scrubText(String(value), { runs: 'inside', isAboutCards }).value
  return Object.entries(fields).flatMap(([name, value]): readonly Note[] => {
    if (typeof value !== 'object') return [{ type: 'field', text: `${name}: ${shown(value)}` }]
    return value.map((row, index) => {
      const cells = Object.entries(row).map(([key, cell]) => `${key} ${shown(cell)}`)
      return { type: 'field', text: `${name}.${index + 1}: ${cells.join(', ')}` }
    })
  })
}

function eventNotes(event: Event, cardData: boolean): readonly Note[] {
  const clean = scrubEvent(event, { cardData })
  if (!clean.ok || clean.value.sensitive !== undefined)
    return [badNote('the event would hold card data: event frame.rejected')]
  const { type, id, time, subject, businessday, data } = clean.value.event
  const head = { id, time, ...(subject && { subject }), ...(businessday && { businessday }) }
  return [
    { type: 'event', text: `event ${type}` },
    ...Object.entries({ ...head, ...data }).map(([name, value]): Note => {
      const text = typeof value === 'object' ? canonicalJson(value) : String(value)
      return { type: 'field', text: `${name}: ${text}` }
    }),
  ]
}

function badNote(text: string): Note {
  return { type: 'bad', text }
}

function answerNote(bytes: Uint8Array): Note {
  const hex = Buffer.from(bytes)
    .toString('hex')
    .replace(/(..)(?=.)/g, '$1 ')
  return { type: 'answer', text: `tillbridge writes ${hex}` }
}

function count({ length }: Uint8Array): string {
  return `${length} ${length === 1 ? 'byte' : 'bytes'}`
}
