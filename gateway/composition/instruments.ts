import { systemClock } from '../core/clock.js'
import { IngestMeter } from '../diagnostics/ingest-meter.js'
import { Journey } from '../diagnostics/journey.js'

/** What measures while the gateway runs. */
export interface Instruments {
  readonly ingest: IngestMeter
  readonly journey: Journey
}

export function createInstruments(): Instruments {
  return { ingest: new IngestMeter(systemClock), journey: new Journey(systemClock) }
}
