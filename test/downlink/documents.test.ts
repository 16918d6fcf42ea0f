import t, { type Test } from 'tap'
import { systemClock } from '../../gateway/core/clock.js'
import { terminalId } from '../../gateway/core/ids.js'
import { LIMITS } from '../../gateway/core/limits.js'
import { silentLogger } from '../../gateway/core/log.js'
import type { DocumentTaker, LineCommand } from '../../gateway/downlink/document-push.js'
import { Documents, type DocumentsOptions } from '../../gateway/downlink/documents.js'
import { readManifest } from '../../gateway/downlink/manifest-reading.js'
import type { DocumentKind } from '../../gateway/event/document.js'
import type { Journal } from '../../gateway/journal/journal.js'
import type { MqttMessage } from '../../gateway/mqtt/connection.js'
import { signJws } from '../../gateway/security/jws.js'
import { signingKeyOf } from '../../gateway/security/signature.js'
import type { CommandOutcome, CommandValues } from '../../gateway/wire/command.js'
import { type DocumentManifest, outgoingDocument } from '../../gateway/wire/document.js'
import { journalIn } from '../journal/open.js'
import { everyRecord, jsonOf, STORE } from '../support/sample.js'
import { until } from '../support/until.js'
import { HQ_KEY, TOPICS } from './hq.js'
import { RetainingBroker } from './retaining-broker.js'

const WAY: LineCommand = {
  command: 'set-price',
  separator: ';',
  headerLines: 0,
  values: { plu: 0, price: 1 },
  repeatable: true,
}

function pricesOf(lines: number): string {
  return Array.from({ length: lines }, (_, n) => `${n};${n * 5 + 1}\n`).join('')
}

type Said = Partial<Pick<DocumentManifest, 'name' | 'version' | 'kind' | 'store'>>

function publish(
  broker: RetainingBroker,
  text: string,
  { key = HQ_KEY, ...said }: Said & { readonly key?: typeof HQ_KEY } = {},
): DocumentManifest {
  const whole = { name: 'prices', version: 1, kind: 'prices', store: STORE, ...said } as const
  const document = outgoingDocument(whole, Buffer.from(text))
  if (!document.ok) throw new Error(document.error)
  const { manifest, chunks } = document.value
  const { name, version, store } = manifest
  for (const [chunk, bytes] of chunks.entries())
    broker.put(TOPICS.documentChunk(store, { name, version, chunk }), bytes)
  broker.put(TOPICS.document(store, name), signJws(JSON.stringify(manifest), key))
  return manifest
}

/** A till that knows prices, and every line that it was told. */
class Till implements DocumentTaker {
  readonly terminal
  readonly told: CommandValues[] = []
  isOpen = true
  answer: (values: CommandValues) => Promise<CommandOutcome> = async () => {
    return { type: 'successful', values: {} }
  }
  readonly #way: LineCommand

  constructor(name: string, way = WAY) {
    this.terminal = terminalId(name)
    this.#way = way
  }

  takes(kind: string): LineCommand | undefined {
    return kind === 'prices' ? this.#way : undefined
  }

  isThere(): boolean {
    return this.isOpen
  }

  command({ values }: { readonly values: CommandValues }): Promise<CommandOutcome> {
    this.told.push(values)
    return this.answer(values)
  }
}

async function shopWith(
  t: Test,
  given: Partial<DocumentsOptions> & {
    readonly place?: string
    readonly broker: RetainingBroker
    /** Nobody says farewell. */
    readonly isKilled?: true
  },
) {
  const { place = t.testdir(), broker, isKilled = false, ...options } = given
  const journal = await journalIn(place)
  const denied: { readonly reason: string; readonly detail: string }[] = []
  const offered: MqttMessage[] = []
  const documents = await Documents.open({
    store: STORE,
    topics: TOPICS,
    keys: [HQ_KEY.publicKey],
    journal,
    connection: broker,
    takers: [],
    own: {},
    offer: async message => void offered.push(message),
    deny: denial => denied.push(denial),
    timeZone: 'UTC',
    clock: systemClock,
    clockState: () => 'synced',
    logger: silentLogger,
    ...options,
  })
  documents.start()
  const end = async (): Promise<void> => {
    await documents.stop()
    await journal.close()
  }
  let isOver = false
  const stop = async (): Promise<void> => {
    if (!isOver) await end()
    isOver = true
  }
  if (!isKilled) t.teardown(stop)
  const of = (document: string) =>
    documents.status.documents.find(each => each.document === document)
  const isApplied = (document: string): boolean => {
    const { version, pending } = of(document) ?? {}
    return version !== undefined && pending?.length === 0
  }
  return { documents, journal, denied, offered, of, isApplied, stop }
}

async function eventsIn(journal: Journal, type: string): Promise<readonly object[]> {
  const records = await everyRecord(journal)
  return records
    .filter(({ header }) => header.type === type)
    .map(record => ({ ...Object(jsonOf(record).data), source: jsonOf(record).source }))
}

const LONG = pricesOf(30_000)
const CHUNKS = Math.ceil(LONG.length / LIMITS.documentChunkBytes)

t.test('a link that is cut again and again brings each chunk about once', async t => {
  const broker = new RetainingBroker()
  const { of, journal, offered } = await shopWith(t, { broker })
  broker.passing = 3
  const { version, sha256 } = publish(broker, LONG)
  while (of('prices')?.version === undefined) {
    await until('the link is cut', () => broker.passing === 0 || of('prices')?.version === 1)
    broker.mend(3)
  }
  const said = [...broker.said].filter(([topic]) => topic.includes('/prices/1/'))
  t.equal(said.length, CHUNKS)
  t.ok(
    said.every(([, times]) => times === 1),
    'what came is not asked for again',
  )
  t.match(await eventsIn(journal, 'document.received'), [{ version, sha256, targets: [] }])
  await until('it is offered', () => offered.length === CHUNKS + 1)
  const text = offered.slice(0, -1).map(({ payload }) => payload)
  t.equal(Buffer.concat(text.map(part => Buffer.from(part))).toString(), LONG)
  t.match(offered.at(-1), { topic: TOPICS.document(STORE, 'prices'), retain: true })
})

t.test('killed while it comes, the next start asks for the rest', async t => {
  const broker = new RetainingBroker()
  const place = t.testdir()
  const first = await shopWith(t, { broker, place })
  broker.passing = 6
  publish(broker, LONG)
  await until('some came', () => first.of('prices')?.next?.received === 5)
  await first.stop()
  broker.mend()
  broker.said.clear()
  const { of } = await shopWith(t, { broker, place })
  await until('it is whole', () => of('prices')?.version === 1)
  const said = [...broker.said.keys()].filter(topic => topic.includes('/prices/1/'))
  t.equal(said.length, CHUNKS - 5)
})

t.test('what a kill left of a version that is over goes at the next start', async t => {
  const place = t.testdir()
  const broker = new RetainingBroker()
  const first = await shopWith(t, { broker, place })
  publish(broker, 'old')
  await until('it is here', () => first.of('prices')?.version === 1)
  publish(broker, 'new', { version: 2 })
  await until('the next one is', () => first.of('prices')?.version === 2)
  const source = 'document-body/prices/1'
  const isGone = async (journal: Journal) => (await journal.fragments(source)).length === 0
  await until('the old one is gone', () => isGone(first.journal))
  await first.journal.append([], { source, before: [], after: [Buffer.from('old')] })
  await first.stop()
  const { journal } = await shopWith(t, { broker, place })
  await until('what was left is gone', () => isGone(journal))
})

t.test('of two versions the newer counts; an older text is a newer version', async t => {
  const broker = new RetainingBroker()
  const { of, denied, offered, documents } = await shopWith(t, { broker })
  publish(broker, 'old')
  await until('the first is here', () => of('prices')?.version === 1)
  const late = publish(broker, 'new', { version: 3 })
  await until('the next is here', () => of('prices')?.version === 3)
  publish(broker, 'old', { version: 2 })
  publish(broker, 'other', { version: 3 })
  await until('both were looked at', () => denied.length === 2)
  t.match(denied, [{ reason: 'superseded' }, { reason: 'superseded' }])
  t.equal(documents.status.denied, 2)
  t.equal(late.version, 3)
  publish(broker, 'old', { version: 4 })
  await until('it is rolled back', () => of('prices')?.version === 4)
  await until('nothing of 3 stays', () =>
    offered.some(({ topic, payload }) => topic.endsWith('/3/0') && payload === ''),
  )
  publish(broker, 'for all', { version: 5, store: 'hq' })
  await until('the newer of all stores', () => of('prices')?.version === 5)
})

t.test('forged, foreign, too large or garbled: nothing of it is used', async t => {
  const broker = new RetainingBroker()
  const { denied, documents, of } = await shopWith(t, { broker })
  publish(broker, 'a', { key: signingKeyOf(Buffer.alloc(32, 9)) })
  const { jws } = { jws: signJws('{}', HQ_KEY) }
  broker.put(TOPICS.document(STORE, 'b'), jws)
  const other = outgoingDocument(
    { name: 'c', version: 1, kind: 'stock', store: 'hq' },
    Buffer.of(1),
  )
  if (!other.ok) throw new Error(other.error)
  const signed = signJws(JSON.stringify(other.value.manifest), HQ_KEY)
  broker.put(TOPICS.document(STORE, 'c'), signed)
  broker.put(TOPICS.document(STORE, 'd'), Buffer.alloc(LIMITS.documentManifestBytes + 1, 65))
  await until('all were looked at', () => denied.length === 4)
  t.match(denied.map(({ reason }) => reason).sort(), [
    'foreign',
    'malformed',
    'malformed',
    'unknown-key',
  ])
  t.same(documents.status, { denied: 4, documents: [] })
  t.notOk(
    outgoingDocument(
      { name: 'e', version: 1, kind: 'stock', store: STORE },
      Buffer.alloc(LIMITS.documentBytes + 1),
    ).ok,
  )
  publish(broker, 'good', { name: 'f' })
  broker.put(TOPICS.documentChunk(STORE, { name: 'f', version: 1, chunk: 0 }), 'evil')
  await until('the chunk was refused', () => denied.length === 5)
  t.match(denied.at(-1), { reason: 'bad-chunk' })
  t.equal(of('f')?.version, undefined)
  broker.put(TOPICS.documentChunk(STORE, { name: 'f', version: 1, chunk: 0 }), 'good')
  await until('the right one came', () => of('f')?.version === 1)
})

t.test('what the gateway works by is tried first: a bad one is refused with its line', async t => {
  const broker = new RetainingBroker()
  const place = t.testdir()
  const taken: string[] = []
  const own: DocumentsOptions['own'] = {
    profiles: async bytes => {
      const text = Buffer.from(bytes).toString()
      if (text === 'bad') return { ok: false, error: 'x.dialect.yaml:3:1: expected a number' }
      taken.push(text)
      return { ok: true, value: undefined }
    },
  }
  const first = await shopWith(t, { broker, place, own })
  publish(broker, 'good', { kind: 'profiles' })
  await until('it is in use', () => first.of('prices')?.version === 1)
  publish(broker, 'bad', { kind: 'profiles', version: 2 })
  await until('it is refused', () => first.of('prices')?.refusal !== undefined)
  t.match(first.of('prices'), { version: 1, next: { version: 2 }, refusal: /dialect.yaml:3:1/ })
  t.match(await eventsIn(first.journal, 'document.refused'), [{ version: 2, reason: /:3:1/ }])
  t.match(await eventsIn(first.journal, 'document.applied'), [
    { version: 1, source: /terminals\/gateway$/ },
  ])
  await first.stop()
  const { of } = await shopWith(t, { broker, place, own })
  t.match(of('prices'), { version: 1, refusal: /:3:1/ }, 'nobody asks for it again')
  publish(broker, 'better', { kind: 'profiles', version: 3 })
  await until('the next one is taken', () => of('prices')?.version === 3)
  t.same(taken, ['good', 'better'])
})

t.test('each terminal is told each line once, and says so once a version', async t => {
  const broker = new RetainingBroker()
  const place = t.testdir()
  const tills = ['till-1', 'till-2'].map(name => new Till(name))
  const first = await shopWith(t, { broker, place, takers: tills })
  publish(broker, '1;100\n\n2;0200\r\n3;300')
  await until('both know it', () => first.isApplied('prices'))
  const told = [
    { plu: 1, price: 100 },
    { plu: 2, price: '0200' },
    { plu: 3, price: 300 },
  ]
  for (const till of tills) t.same(till.told, told)
  const applied = await eventsIn(first.journal, 'document.applied')
  t.match(applied, [{ lines: 3, refused: 0, doubtful: 0 }, { lines: 3 }])
  const sources = applied.map(event => String(Object(event).source).split('/').at(-1))
  t.same(sources.sort(), ['till-1', 'till-2'])
  await first.stop()
  const late = new Till('till-3')
  const second = await shopWith(t, { broker, place, takers: [...tills, late] })
  await until('the new one knows it', () => late.told.length === 3)
  await until('nobody waits', () => second.isApplied('prices'))
  for (const till of tills) t.same(till.told, told, 'over restarts')
})

for (const repeatable of [true, false])
  t.test(`a push that is killed goes on, ${repeatable ? 'repeating' : 'in doubt'}`, async t => {
    const broker = new RetainingBroker()
    const place = t.testdir()
    const way = { ...WAY, repeatable }
    const before = new Till('till-1', way)
    before.answer = ({ plu }) =>
      plu === 4 ? new Promise(() => undefined) : Promise.resolve({ type: 'successful', values: {} })
    const dead = await shopWith(t, { broker, place, takers: [before], isKilled: true })
    publish(broker, pricesOf(8))
    await until('it hangs', () => before.told.length === 5)
    await dead.journal.close()
    const till = new Till('till-1', way)
    const { isApplied, journal } = await shopWith(t, { broker, place, takers: [till] })
    await until('it is through', () => isApplied('prices'))
    const numbers = till.told.map(({ plu }) => plu)
    t.same(numbers, repeatable ? [0, 1, 2, 3, 4, 5, 6, 7] : [5, 6, 7])
    const [applied] = await eventsIn(journal, 'document.applied')
    t.match(applied, { lines: 8, refused: 0, doubtful: repeatable ? 0 : 1 })
  })

t.test(
  'a line that is refused is counted, one that is short too, and the rest goes on',
  async t => {
    const broker = new RetainingBroker()
    const till = new Till('till-1')
    till.answer = async ({ plu }) =>
      plu === 2
        ? { type: 'failed', reason: 'unsupported', detail: 'no such article' }
        : { type: 'successful', values: {} }
    const { isApplied, journal } = await shopWith(t, { broker, takers: [till] })
    publish(broker, '1;100\n2;200\n7\n3;300')
    await until('it is through', () => isApplied('prices'))
    t.match(await eventsIn(journal, 'document.applied'), [
      { lines: 4, refused: 2, doubtful: 0, reason: 'line 2: no such article' },
    ])
  },
)

t.test('who decides what commands do takes two signatures, where commands do', async t => {
  const second = signingKeyOf(Buffer.alloc(32, 2))
  const twoPerson = { keys: [second.publicKey], verbs: ['restart'] }
  const at = { keys: [HQ_KEY.publicKey], twoPerson, scope: STORE, name: 'x' }
  const read = (kind: DocumentKind, ...keys: readonly (typeof HQ_KEY)[]): string => {
    const document = outgoingDocument(
      { name: 'x', version: 1, kind, store: STORE },
      Buffer.from('text'),
    )
    if (!document.ok) throw new Error(document.error)
    const jws = keys.reduce(signJws, JSON.stringify(document.value.manifest))
    const reading = readManifest(Buffer.from(jws), at)
    return reading.type === 'denied' ? reading.reason : reading.type
  }
  for (const kind of ['configuration', 'profiles'] as const) {
    t.equal(read(kind, HQ_KEY), 'one-signature', kind)
    t.equal(read(kind, HQ_KEY, second), 'manifest', kind)
  }
  t.equal(read('prices', HQ_KEY), 'manifest')
  t.equal(read('prices', second), 'malformed')
})
