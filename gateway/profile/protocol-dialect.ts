import type { Framer } from '../line/framing/framer.js'
import type { Link } from '../line/link/link.js'
import { createProtocol } from '../protocol/catalog.js'
import type { Misread, Protocol, Reading, ReadMessage } from '../protocol/protocol.js'
import type {
  Capture,
  Decoded,
  DecodedMessage,
  InterpretingDialect,
  LineSettings,
} from './dialect.js'
import { eventOf, rejected } from './event-of-message.js'
import type { Meaning, ProtocolDialectFile } from './schema.js'

/** A dialect that names a protocol, and says what its messages mean. */
export class ProtocolDialect implements InterpretingDialect {
  readonly id: string
  readonly line: LineSettings
  readonly idleMs: number
  readonly cardData: boolean
  readonly greeting: Uint8Array
  readonly link: Link<unknown>
  readonly gathers = false
  readonly #protocol: Protocol
  readonly #meanings: ReadonlyMap<string, Meaning>

  constructor(file: ProtocolDialectFile) {
    this.id = `${file.vendor}/${file.dialect}@${file.version}`
    this.line = file.line
    this.idleMs = file.idleMs
    this.cardData = file.cardData
    this.greeting = Buffer.from(file.greeting ?? '', 'latin1')
    this.#protocol = createProtocol(file.protocol)
    this.link = this.#protocol.link
    this.#meanings = new Map(file.messages.map(meaning => [meaning.name, meaning]))
  }

  createFramer(): Framer {
    return this.#protocol.createFramer()
  }

  isUnfinished(): boolean {
    return false
  }

  decode(payload: Uint8Array, capture: Capture): Decoded {
    return this.interpret(payload, capture).decoded
  }

  interpret(payload: Uint8Array, capture: Capture): DecodedMessage {
    const reading = this.#protocol.read(payload)
    switch (reading.type) {
      case 'rejected':
        return rejectedReading(reading)
      case 'sensitive':
        return { messages: [reading.message], decoded: reading }
      case 'messages': {
        const { messages: read, issues: unread = [] } = reading
        const taken = unread.flatMap(({ message = [] }) => message)
        const messages = [...read.map(({ name }) => name), ...taken]
        return { messages, decoded: this.#meaningOf(reading, capture) }
      }
    }
  }

  encode(message: string, values: Readonly<Record<string, unknown>>): Uint8Array {
    return this.#protocol.encode(message, values)
  }

  /** All events of the frame together; what else it said is an issue beside them. */
  #meaningOf(
    { messages, issues: unread = [] }: Extract<Reading, { type: 'messages' }>,
    capture: Capture,
  ): Decoded {
    const each = messages.map(message => this.#oneMeaning(message, capture))
    const events = each.flatMap(one => (one.type === 'events' ? one.events : []))
    const unmeant = each.flatMap(one => (one.type === 'rejected' ? one.issues : []))
    const issues = [...unmeant, ...unread.map(issueOf)]
    if (events.length > 0)
      return { type: 'events', events, ...(issues.length > 0 ? { issues } : {}) }
    if (issues.length > 0) return { type: 'rejected', issues }
    return { type: 'ignored', message: messages.map(({ name }) => name).join(', ') }
  }

  #oneMeaning({ name, fields }: ReadMessage, capture: Capture): Decoded {
    const meaning = this.#meanings.get(name)
    if (meaning === undefined) return rejected(`${name}: ${this.id} does not say what it means`)
    if (meaning.reject !== undefined) return rejected(`${name}: ${meaning.reject}`)
    const { event } = meaning
    if (event === undefined) return { type: 'ignored', message: name }
    const { id: dialectId, cardData } = this
    return eventOf({ name, event, fields, dialectId, cardData, capture })
  }
}

function rejectedReading(reading: Misread): DecodedMessage {
  const { message } = reading
  return { messages: message === undefined ? [] : [message], decoded: rejected(issueOf(reading)) }
}

function issueOf({ message, issue }: Misread): string {
  return message === undefined ? issue : `${message}: ${issue}`
}
