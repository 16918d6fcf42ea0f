import { LIMITS } from '../core/limits.js'
import {
  encodeLengthPrefixed,
  LengthPrefixedFramer,
  lengthPrefixedSchema,
} from '../line/framing/length-prefixed.js'
import { pubackLink, wordlessLink } from '../line/link/puback.js'
import type { Dialect, InterpretingDialect } from './dialect.js'
import { NO_COMMANDS } from './dialect-command.js'
import { NO_DOCUMENTS } from './dialect-documents.js'

const FRAMING = lengthPrefixedSchema.parse({
  type: 'length-prefixed',
  lengthBytes: 4,
  maxFrameBytes: LIMITS.frameBytes,
})

/** One published message as bytes on a line. */
export function framePublished(payload: Uint8Array): Uint8Array {
  return encodeLengthPrefixed(FRAMING, payload)
}

/** Whether bytes are one published message, as `framePublished` has it. */
export function isPublished(bytes: Uint8Array): boolean {
  const { length } = bytes
  return length > 4 && Buffer.from(bytes).readUInt32BE() === length - 4
}

/**
 * What the dialect says, said by MQTT: one published message is one frame's payload, without what
 * frames it on a wire, and its PUBACK is the answer, instead of those on a wire.
 */
export function overMqtt(dialect: Dialect): Dialect {
  const { id, line, idleMs, cardData, gathers, doubt } = dialect
  return {
    id,
    line,
    idleMs,
    cardData,
    gathers,
    greeting: new Uint8Array(0),
    // Nothing can be written to one that publishes.
    commands: NO_COMMANDS,
    documents: NO_DOCUMENTS,
    createFramer: () => new LengthPrefixedFramer(FRAMING),
    link: doubt === undefined ? pubackLink : wordlessLink,
    decode: (payload, capture, held) => dialect.decode(payload, capture, held),
    ...(doubt === undefined ? {} : { doubt }),
    isUnfinished: held => dialect.isUnfinished(held),
    encode: (message, values) => dialect.encode(message, values),
  }
}

/** As `overMqtt`, for the workbench. */
export function interpretingMqtt(dialect: InterpretingDialect): InterpretingDialect {
  return {
    ...overMqtt(dialect),
    interpret: (payload, capture, held) => dialect.interpret(payload, capture, held),
  }
}
