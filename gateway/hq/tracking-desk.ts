import { z } from 'zod'
import { epochIdSchema, storeIdSchema } from '../core/id-schema.js'
import type { Evidence, LedgerRow, Tracking } from './ledger.js'

/** Rows at one place: more than one where a chain forked. */
const FORKS = 4

const place = z.strictObject({ epoch: epochIdSchema, seq: z.int().min(1) })

/** What somebody asks who looks for one fact, or for those who work by an old document. */
export const trackingQuestion = z.discriminatedUnion('ask', [
  z.strictObject({
    ask: z.literal('places'),
    store: storeIdSchema,
    places: z.array(place).max(20),
  }),
  z.strictObject({ ask: z.literal('document'), name: z.string().max(40) }),
])

export type TrackingQuestion = z.infer<typeof trackingQuestion>

const instant = z.iso.datetime()

const arrival = z.strictObject({
  ...place.shape,
  kind: z.enum(['event', 'duplicate', 'conflict', 'evicted']),
  committed: instant,
  /** `never`: a repeat of another event, or one that the shop had no room for. */
  publication: z.enum(['waiting', 'refused', 'published', 'never']),
  /** Absent where it is not published, or was before that was noted. */
  published: instant.exactOptional(),
})

const documentState = z.strictObject({
  store: storeIdSchema,
  terminal: z.string(),
  version: z.int(),
  appliedVersion: z.int().exactOptional(),
  appliedAt: instant.exactOptional(),
  refused: z.int().exactOptional(),
  doubtful: z.int().exactOptional(),
  reason: z.string().exactOptional(),
})

export const trackingAnswer = z.strictObject({
  /** Of `places`: what stands there; nothing of those that never came. */
  arrivals: z.array(arrival),
  /** Of `document`: who has it, by store and terminal. */
  documents: z.array(documentState),
  /** Of `document`: every store that the ledger knows. */
  stores: z.array(storeIdSchema),
})

export type Arrival = z.infer<typeof arrival>
export type TrackingAnswer = z.infer<typeof trackingAnswer>

type Tracked = Tracking & Pick<Evidence, 'rowsAt'>

/** @throws TillbridgeError TB_LEDGER_… */
export async function answerTracking(
  ledger: Tracked,
  question: TrackingQuestion,
): Promise<TrackingAnswer> {
  if (question.ask === 'document')
    return {
      arrivals: [],
      documents: [...(await ledger.documents(question.name))],
      stores: [...(await ledger.stores())],
    }
  const arrivals: Arrival[] = []
  for (const { epoch, seq } of question.places) {
    const range = { store: question.store, epoch, first: seq, last: seq }
    for (const row of await ledger.rowsAt(range, FORKS)) arrivals.push(await arrivalOf(ledger, row))
  }
  return { arrivals, documents: [], stores: [] }
}

async function arrivalOf(ledger: Tracked, row: LedgerRow): Promise<Arrival> {
  const { position, kind, header, recordedMs } = row
  const { epoch, seq } = header
  const arrived = { epoch, seq, kind, committed: new Date(recordedMs).toISOString() }
  if (kind === 'duplicate' || kind === 'evicted') return { ...arrived, publication: 'never' }
  const publication = await ledger.publication(position)
  if (publication.type !== 'published' || publication.atMs === undefined)
    return { ...arrived, publication: publication.type }
  const published = new Date(publication.atMs).toISOString()
  return { ...arrived, publication: 'published', published }
}
