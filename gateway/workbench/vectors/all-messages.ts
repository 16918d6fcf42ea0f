import { fail, ok, type Result } from '../../core/result.js'
import type { Protocol, ReadMessage } from '../../protocol/protocol.js'

/** The messages of all frames in these bytes, or what is wrong with the first that has a fault. */
export function allMessages(
  protocol: Protocol,
  bytes: Uint8Array,
): Result<readonly ReadMessage[], string> {
  const framer = protocol.createFramer()
  const messages: ReadMessage[] = []
  for (const output of [...framer.push(bytes), ...framer.idle()]) {
    if (output.type === 'discarded') return fail(output.reason)
    const reading = protocol.read(output.payload)
    if (reading.type === 'rejected') return fail(reading.issue)
    if (reading.type === 'messages') messages.push(...reading.messages)
  }
  return ok(messages)
}
