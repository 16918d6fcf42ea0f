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
  readonly gathers: boolean
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
    this.gathers = this.#protocol.remembers === true
    this.#meanings = new Map(file.messages.map(meaning => [meaning.name, meaning]))
  }

  createFramer(): Framer {
    return this.#protocol.createFramer()
  }

  isUnfinished(): boolean {
    return false
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
        return { messages: [reading.message], decoded: reading }
      case 'messages': {
        const { messages: read, issues: unread = [] } = reading
        const taken = unread.flatMap(({ message = [] }) => message)
        const messages = [...read.map(({ name }) => name), ...taken]
        const decoded = this.#meaningOf(reading, capture)
        return {
          messages,
          decoded: remembering(decoded, { before: memory, after: reading.memory }),
        }
