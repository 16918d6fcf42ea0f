import { encodeFrame, type FramingOptions } from '../line/framing/catalog.js'
import type { MessageCodec } from './message-codec.js'
import type { MessageFields } from './message-fields.js'
import { messageValuesSchema } from './schema.js'

/**
 * The frame a terminal would send for this message and these values.
 * @throws RangeError naming the field that cannot hold its value.
 */
export function encodeMessage(options: {
  readonly framing: FramingOptions
  readonly messages: readonly MessageCodec[]
  readonly message: string
  readonly values: Readonly<Record<string, unknown>>
}): Uint8Array {
  const { framing, messages, message } = options
  const codec = messages.find(one => one.message.name === message)
  if (codec === undefined) {
    const names = messages.map(one => one.message.name)
    throw new RangeError(`no message ${message}; there are ${names.join(', ')}`)
  }
  const payload = codec.write(checkedValues(message, options.values))
  if (!payload.ok) {
    const { field, expected } = payload.error
    throw new RangeError(`${message}: ${field}: expected ${expected}`)
  }
  return encodeFrame(framing, payload.value)
}

function checkedValues(message: string, values: Readonly<Record<string, unknown>>): MessageFields {
  const present = Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined),
  )
  const checked = messageValuesSchema.safeParse(present)
  if (checked.success) return checked.data
  const [first] = checked.error.issues
  throw new RangeError(`${message}: ${first?.path.join('.')}: expected text, a number or rows`)
}
