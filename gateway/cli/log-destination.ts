import { type DestinationStream, destination } from 'pino'
import { PinoPretty } from 'pino-pretty'
import type { LogRing } from '../diagnostics/log-ring.js'
import { scrubText } from '../security/pan-scrub.js'

/**
 * Standard output: coloured for a person at a terminal, JSON lines for a machine. Synchronous in
 * both cases, so that the last line before a crash is there to read. `ring` gets JSON always.
 */
export function logDestination(ring?: LogRing): DestinationStream {
  const { fd, isTTY } = process.stdout
  const lines = destination({ fd, sync: true })
  const shown = isTTY
    ? PinoPretty({ destination: lines, sync: true, translateTime: 'SYS:HH:MM:ss.l' })
    : lines
  return {
    write: line => {
      const clean = scrubLine(line)
      ring?.add(clean.trimEnd())
      shown.write(clean)
    },
  }
}

/** No frame is ever logged; this is for the error message that quotes one all the same. */
function scrubLine(line: string): string {
  const { value, sensitive } = scrubText(line, { runs: 'whole', isAboutCards: false })
  return sensitive === undefined
    ? value
    : `{"level":50,"msg":"withheld, for it held ${sensitive}"}\n`
}
