import type { Clock } from '../core/clock.js'
import type { TerminalLine } from './stop-and-wait.js'

/** A start bit, eight bits of data, a stop bit. */
const CHARACTER_BITS = 10
/** What a scheduler keeps; bytes of one such while go together. */
const SLICE_MS = 4

/**
 * A line on which bytes take the time that they take at this speed. A pseudo-terminal ignores its
 * speed (and refuses parity): what is written to one is there at once.
 */
export function pacedLine(
  line: TerminalLine,
  { baudRate, clock }: { readonly baudRate: number; readonly clock: Clock },
): TerminalLine {
  const msPerByte = (CHARACTER_BITS * 1000) / baudRate
  const sliceBytes = Math.max(1, Math.round(SLICE_MS / msPerByte))
  let last: Promise<void> = Promise.resolve()
  const send = async (bytes: Uint8Array): Promise<void> => {
    const startedMs = clock.monotonicMs()
    for (let at = 0; at < bytes.length; at += sliceBytes) {
      const slice = bytes.subarray(at, at + sliceBytes)
      const dueMs = startedMs + (at + slice.length) * msPerByte
      await clock.sleep(Math.max(0, dueMs - clock.monotonicMs()))
      await line.write(slice)
    }
  }
  return {
    onData: listener => line.onData(listener),
    write: bytes => {
      const sent = last.then(() => send(bytes))
      last = sent.catch(() => undefined)
      return sent
    },
  }
}
