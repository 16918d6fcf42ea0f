import { createFramer, encodeFrame } from '../line/framing/catalog.js'
import type { Framer } from '../line/framing/framer.js'
import { createLink } from '../line/link/catalog.js'
import type { Link } from '../line/link/link.js'
import { decodeMessage, isUnfinished } from './decode.js'
import type {
  Capture,
  Decoded,
  DecodedMessage,
  InterpretingDialect,
  LineSettings,
} from './dialect.js'
import { commandsOf, type DialectCommands } from './dialect-command.js'
import { type DialectDocuments, documentsOf } from './dialect-documents.js'
import { encodeMessage } from './encode.js'
import { Gatherer } from './gathering.js'
import { MessageCodec } from './message-codec.js'
import type { DialectFile } from './schema.js'

/** A dialect as its YAML declares it. */
export class DeclaredDialect implements InterpretingDialect {
  readonly id: string
  readonly line: LineSettings
  readonly idleMs: number
  readonly cardData: boolean
  readonly greeting: Uint8Array
  readonly link: Link<unknown>
  readonly commands: DialectCommands
  readonly documents: DialectDocuments
  readonly gathers: boolean
  readonly #file: DialectFile
  readonly #messages: readonly MessageCodec[]
  readonly #gatherers: readonly Gatherer[]

  constructor(file: DialectFile) {
    this.id = `${file.vendor}/${file.dialect}@${file.version}`
    this.line = file.line
    this.idleMs = file.idleMs
    this.cardData = file.cardData
    this.commands = commandsOf(file.commands)
    this.documents = documentsOf(file.documents)
    this.greeting = new Uint8Array(Buffer.from(file.greeting ?? '', 'latin1'))
    this.link = createLink(file.link, payload => encodeFrame(file.framing, payload))
    this.#file = file
    const messages = file.messages.map(message => new MessageCodec({ message, dialect: file }))
    this.#messages = messages
    this.#gatherers = (file.gathered ?? []).map(declared => new Gatherer({ declared, messages }))
    this.gathers = this.#gatherers.length > 0
  }

  createFramer(): Framer {
    return createFramer(this.#file.framing)
  }

  decode(payload: Uint8Array, capture: Capture, held?: readonly Uint8Array[]): Decoded {
    return this.interpret(payload, capture, held).decoded
  }

  isUnfinished(held: readonly Uint8Array[]): boolean {
    return isUnfinished(this.#gatherers, held)
  }

  /** As `decode`, with the name of the message it was taken for. */
  interpret(
    payload: Uint8Array,
    capture: Capture,
    held: readonly Uint8Array[] = [],
  ): DecodedMessage {
    const { id: dialectId, cardData } = this
    const known = { dialectId, cardData, messages: this.#messages, gatherers: this.#gatherers }
    return decodeMessage({ ...known, payload, capture, held })
  }

  encode(message: string, values: Readonly<Record<string, unknown>>): Uint8Array {
    const { framing } = this.#file
    return encodeMessage({ framing, messages: this.#messages, message, values })
  }
}
