import { fail, ok, type Result } from '../../core/result.js'
import type { Protocol, ReadMessage } from '../../protocol/protocol.js'

/** The first message of the first frame in these bytes, or why there is none. */
export function firstMessage(protocol: Protocol, bytes: Uint8Array): Result<ReadMessage, string> {
  const framer = protocol.createFramer()
  const outputs = [...framer.push(bytes), ...framer.idle()]
  const frame = outputs.find(output => output.type === 'frame')
  if (frame === undefined)
    return fail(outputs[0]?.type === 'discarded' ? outputs[0].reason : 'idle')
  const reading = protocol.read(frame.payload)
  if (reading.type === 'rejected') return fail(reading.issue)
  const [message] = reading.type === 'messages' ? reading.messages : []
  return message === undefined ? fail(reading.type) : ok(message)
}
