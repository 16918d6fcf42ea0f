import { createFramer } from '../line/framing/catalog.js'
import type { Framer } from '../line/framing/framer.js'
import { createLink } from '../line/link/catalog.js'
import type { Link } from '../line/link/link.js'
import { type DecodedMessage, decodeMessage } from './decode.js'
import type { Capture, Decoded, Dialect, LineSettings } from './dialect.js'
import { encodeMessage } from './encode.js'
import { MessageCodec } from './message-codec.js'
import type { DialectFile } from './schema.js'

/** A dialect as its YAML declares it. */
export class DeclaredDialect implements Dialect {
  readonly id: string
  readonly line: LineSettings
  readonly idleMs: number
  readonly cardData: boolean
  readonly greeting: Uint8Array
  readonly link: Link<unknown>
  readonly #file: DialectFile
  readonly #messages: readonly MessageCodec[]

  constructor(file: DialectFile) {
    this.id = `${file.vendor}/${file.dialect}@${file.version}`
    this.line = file.line
    this.idleMs = file.idleMs
    this.cardData = file.cardData
    this.greeting = new Uint8Array(Buffer.from(file.greeting ?? '', 'latin1'))
    this.link = createLink(file.link)
    this.#file = file
    this.#messages = file.messages.map(message => new MessageCodec({ message, dialect: file }))
  }

  createFramer(): Framer {
    return createFramer(this.#file.framing)
  }

  decode(payload: Uint8Array, capture: Capture): Decoded {
    return this.interpret(payload, capture).decoded
  }

  /** As `decode`, with the name of the message it was taken for. */
  interpret(payload: Uint8Array, capture: Capture): DecodedMessage {
    const { id: dialectId, cardData } = this
    return decodeMessage({ dialectId, cardData, messages: this.#messages, payload, capture })
  }

  encode(message: string, values: Readonly<Record<string, unknown>>): Uint8Array {
    const { framing } = this.#file
    return encodeMessage({ framing, messages: this.#messages, message, values })
  }
}
