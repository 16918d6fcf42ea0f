import { canonicalJson } from '../event/canonical-json.js'
import type { Event } from '../event/event.js'
import type { RecordHeader } from './record.js'

/** What subscribers get: one CloudEvent, with where it stood in the journal and when HQ had it. */
export function encodeFanOut(options: {
  readonly event: Event
  readonly header: Pick<RecordHeader, 'epoch' | 'seq'>
  readonly recordedMs: number
  readonly historical: boolean
}): string {
  const { event, header, recordedMs, historical } = options
  return canonicalJson({
    ...event,
    // CloudEvents' `sequence` extension orders as text, so it is padded.
    sequence: String(header.seq).padStart(16, '0'),
    epoch: header.epoch,
    recordedtime: new Date(recordedMs).toISOString(),
    historical,
  })
}
