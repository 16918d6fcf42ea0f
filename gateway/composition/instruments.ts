import { systemClock } from '../core/clock.js'
import type { TerminalId } from '../core/ids.js'
import { IngestMeter } from '../diagnostics/ingest-meter.js'
import { Journey } from '../diagnostics/journey.js'
import { LogRing } from '../diagnostics/log-ring.js'
import { LineTap } from '../line/transport/line-tap.js'

/** What measures while the gateway runs. */
export interface Instruments {
  readonly ingest: IngestMeter
  readonly journey: Journey
  readonly logs: LogRing
  /** The one on this terminal's line. */
  tapOf(terminal: TerminalId): LineTap
}

/** `logs`: where the process's logger writes, too. */
export function createInstruments(logs = new LogRing()): Instruments {
  const taps = new Map<TerminalId, LineTap>()
  return {
    ingest: new IngestMeter(systemClock),
    journey: new Journey(systemClock),
    logs,
    tapOf: terminal => {
      const tap = taps.get(terminal) ?? new LineTap(systemClock)
      taps.set(terminal, tap)
      return tap
    },
  }
}
