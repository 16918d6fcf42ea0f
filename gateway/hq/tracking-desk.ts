import { z } from 'zod'
import { epochIdSchema, storeIdSchema } from '../core/id-schema.js'
import { alarmName } from '../event/gateway-alarm.js'
import type { Evidence, LedgerRow, Tracking, VersionState } from './ledger.js'

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
  z.strictObject({ ask: z.literal('versions') }),
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

const versionState = z.strictObject({
  store: storeIdSchema,
  software: z.string(),
  since: instant,
  started: instant,
  tested: instant.exactOptional(),
  untestedStarts: z.int(),
  alarms: z.array(z.strictObject({ alarm: alarmName, reason: z.string() })),
})

export const trackingAnswer = z.strictObject({
  /** Of `places`: what stands there; nothing of those that never came. */
  arrivals: z.array(arrival),
  /** Of `document`: who has it, by store and terminal. */
  documents: z.array(documentState),
  /** Of `versions`: which one each store runs, and how it fares. */
  versions: z.array(versionState),
  /** Of `document` and `versions`: every store that the ledger knows. */
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
  const nothing = { arrivals: [], documents: [], versions: [], stores: [] }
  if (question.ask !== 'places') {
    const stores = [...(await ledger.stores())]
    return question.ask === 'document'
      ? { ...nothing, stores, documents: [...(await ledger.documents(question.name))] }
      : { ...nothing, stores, versions: (await ledger.versions()).map(copyOf) }
  }
  const arrivals: Arrival[] = []
  for (const { epoch, seq } of question.places) {
    const range = { store: question.store, epoch, first: seq, last: seq }
    for (const row of await ledger.rowsAt(range, FORKS)) arrivals.push(await arrivalOf(ledger, row))
  }
  return { ...nothing, arrivals }
}

function copyOf(state: VersionState): TrackingAnswer['versions'][number] {
  return { ...state, alarms: [...state.alarms] }
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
