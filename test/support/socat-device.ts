import type { TerminalLine } from '../../gateway/simulator/stop-and-wait.js'
import type { SocatLine } from './socat-line.js'

const LOOK_MS = 2

/** A line of socat as a simulated terminal has its own: what comes is handed on as it comes. */
export function heardOf(line: SocatLine): TerminalLine {
  return {
    write: async bytes => line.send(bytes),
    onData: listener => {
      let heard = line.received.length
      const looking = setInterval(() => {
        const bytes = line.received.subarray(heard)
        heard += bytes.length
        if (bytes.length > 0) listener(bytes)
      }, LOOK_MS)
      return () => clearInterval(looking)
    },
  }
}
