import { equalBytes } from '../core/bytes.js'
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
import { commandsOf, type DialectCommands } from './dialect-command.js'
import { type DialectDocuments, documentsOf } from './dialect-documents.js'
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
  readonly commands: DialectCommands
  readonly documents: DialectDocuments
  readonly gathers: boolean
  readonly #protocol: Protocol
  readonly #meanings: ReadonlyMap<string, Meaning>

  constructor(file: ProtocolDialectFile) {
    this.id = `${file.vendor}/${file.dialect}@${file.version}`
    this.line = file.line
    this.idleMs = file.idleMs
    this.cardData = file.cardData
    this.commands = commandsOf(file.commands)
    this.documents = documentsOf(file.documents)
    this.greeting = Buffer.from(file.greeting ?? '', 'latin1')
    this.#protocol = createProtocol(file.protocol)
    this.link = this.#protocol.link
    this.gathers = this.#protocol.remembers === true
    this.#meanings = new Map(file.messages.map(meaning => [meaning.name, meaning]))
  }

  createFramer(): Framer {
    return this.#protocol.createFramer()
  }

  isUnfinished(): boolean {
    return false
  }

  isUnsettled([memory]: readonly Uint8Array[]): boolean | undefined {
    return this.#protocol.isUnsettled?.(memory)
  }

  decode(payload: Uint8Array, capture: Capture, held?: readonly Uint8Array[]): Decoded {
    return this.interpret(payload, capture, held).decoded
  }

  interpret(
    payload: Uint8Array,
    capture: Capture,
    held: readonly Uint8Array[] = [],
  ): DecodedMessage {
    const [memory] = held
    const reading = this.#protocol.read(payload, memory)
    switch (reading.type) {
      case 'rejected':
        return rejectedReading(reading)
      case 'sensitive':
        return { messages: [reading.message], read: [], decoded: reading }
      case 'messages': {
        const { messages: read, issues: unread = [] } = reading
        const taken = unread.flatMap(({ message = [] }) => message)
        const messages = [...read.map(({ name }) => name), ...taken]
        const decoded = this.#meaningOf(reading, capture)
        return {
          messages,
          read,
          decoded: remembering(decoded, { before: memory, after: reading.memory }),
        }
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
  const messages = message === undefined ? [] : [message]
  return { messages, read: [], decoded: rejected(issueOf(reading)) }
}

function issueOf({ message, issue }: Misread): string {
  return message === undefined ? issue : `${message}: ${issue}`
}

/** What is to be remembered goes with the events; where there are none it is kept by itself. */
function remembering(
  decoded: Decoded,
  memory: { readonly before: Uint8Array | undefined; readonly after: Uint8Array | undefined },
): Decoded {
  const { before, after } = memory
  if (after === undefined || (before !== undefined && equalBytes(before, after))) return decoded
  const step = { held: [after], givenUp: [] }
  switch (decoded.type) {
    case 'events':
    case 'rejected':
      return { ...decoded, step }
    case 'ignored':
      return { type: 'part', message: decoded.message, step }
    case 'part':
    case 'sensitive':
      return decoded
  }
}
