import type { Clock } from '../core/clock.js'
import { messageOf, TillbridgeError } from '../core/errors.js'
import { derivedEventId, type StoreId, type TerminalId, terminalId } from '../core/ids.js'
import { LIMITS } from '../core/limits.js'
import type { Logger } from '../core/log.js'
import type { Result } from '../core/result.js'
import { SerialQueue } from '../core/serial-queue.js'
import type { DocumentKind } from '../event/document.js'
import { type ClockState, type Event, type EventData, GATEWAY_TERMINAL } from '../event/event.js'
import { makeEvent } from '../event/make-event.js'
import type { Journal } from '../journal/journal.js'
import type { Delivery, MqttConnection, MqttMessage } from '../mqtt/connection.js'
import type { PublicKey } from '../security/signature.js'
import type { DocumentManifest } from '../wire/document.js'
import type { DocumentsStatus } from '../wire/status.js'
import type { Topics } from '../wire/topics.js'
import { DocumentMemory, type HeldDocument, type StoredDocument } from './document-memory.js'
import { appliedOf, type DocumentTaker, pushDocument } from './document-push.js'
import { DocumentTransfer } from './document-transfer.js'
import { readManifest } from './manifest-reading.js'
import type { TwoPerson } from './two-person.js'

export interface DocumentsOptions {
  readonly store: StoreId
  readonly topics: Topics
  /** Whose signature counts. */
  readonly keys: readonly PublicKey[]
  readonly twoPerson?: TwoPerson | undefined
  readonly journal: Journal
  /** The uplink's; started and stopped by whoever made it. */
  readonly connection: MqttConnection
  readonly takers: readonly DocumentTaker[]
  /** What the gateway itself works by, and how it takes it: or the line that is wrong. */
  readonly own: Readonly<
    Partial<Record<DocumentKind, (bytes: Uint8Array) => Promise<Result<undefined, string>>>>
  >
  /** Tells the shop. */
  readonly offer: (message: MqttMessage) => Promise<void>
  readonly deny: (denial: { readonly reason: string; readonly detail: string }) => void
  readonly timeZone: string
  readonly clock: Clock
  readonly clockState: () => ClockState
  readonly logger: Logger
}

/** What is under way for one document: the newest version comes while the one before is used. */
interface Work {
  transfer?: DocumentTransfer
  arrival: AbortController
  use: AbortController
  /** Who has not applied the version in use. */
  readonly pending: Set<TerminalId>
  offered?: HeldDocument
}

/**
 * HQ's documents: what HQ signed for this store is fetched, kept, and used once it is whole. It is
 * offered in the shop on the topics that it came by, and each terminal that takes it is told it,
 * once a version. Whatever is cut goes on where it was, also after a restart.
 */
export class Documents {
  readonly #options: DocumentsOptions
  readonly #memory: DocumentMemory
  readonly #turns = new SerialQueue()
  readonly #stopping = new AbortController()
  readonly #work = new Map<string, Work>()
  readonly #running = new Set<Promise<void>>()
  readonly #cleanUps: (() => void)[] = []
  #denied = 0

  /** @throws TillbridgeError TB_JOURNAL_WRITE, TB_JOURNAL_UNREADABLE */
  static async open(options: DocumentsOptions): Promise<Documents> {
    return new Documents(options, await DocumentMemory.open(options))
  }

  private constructor(options: DocumentsOptions, memory: DocumentMemory) {
    this.#options = options
    this.#memory = memory
  }

  get status(): DocumentsStatus {
    const documents = [...this.#memory.all].flatMap(([document, { inUse, next, refusal }]) => {
      const { transfer, pending } = this.#workOf(document)
      const newest = (next ?? inUse)?.manifest
      if (newest === undefined) return []
      const { version, chunks, kind } = newest
      return {
        document,
        kind,
        ...(inUse === undefined ? {} : { version: inUse.manifest.version }),
        ...(next === undefined
          ? {}
          : { next: { version, received: transfer?.received ?? 0, chunks: chunks.length } }),
        ...(refusal === undefined ? {} : { refusal }),
        pending: [...pending],
      }
    })
    return { denied: this.#denied, documents }
  }

  start(): void {
    const { connection, topics, store } = this.#options
    for (const [name, { next, refusal, old }] of this.#memory.all) {
      for (const over of [old, refusal === undefined ? undefined : next?.manifest])
        if (over !== undefined) this.#run(() => this.#memory.drop(over, this.#stopping.signal))
      this.#run(() => this.#use(name))
      this.#run(() => this.#fetch(name))
    }
    for (const scope of [store, 'hq'] as const)
      this.#cleanUps.push(
        connection.subscribe(
          topics.documents(scope),
          delivery => this.#hear(scope, delivery),
          () => this.#mayNotRead(topics.documents(scope)),
        ),
      )
  }

  /** What is under way is kept as far as it is. */
  async stop(): Promise<void> {
    for (const cleanUp of this.#cleanUps.splice(0)) cleanUp()
    this.#stopping.abort()
    for (const { arrival, use } of this.#work.values()) {
      arrival.abort()
      use.abort()
    }
    await Promise.all(this.#running)
  }

  #hear(scope: StoreId | 'hq', { topic, payload }: Delivery): void {
    const { keys, twoPerson, topics } = this.#options
    const name = topic.slice(topics.document(scope, '').length)
    // Taken back at the broker: what the shop has stays.
    if (payload.length === 0) return
    const reading = readManifest(payload, { keys, twoPerson, scope, name })
    if (reading.type === 'denied') this.#deny(reading.reason, reading.detail)
    else this.#run(() => this.#turns.run(() => this.#arrive(reading)))
  }

  async #arrive({ jws, manifest }: HeldDocument): Promise<void> {
    const { name, version, sha256, store, bytes } = manifest
    const stored = this.#memory.all.get(name) ?? {}
    const newest = (stored.next ?? stored.inUse)?.manifest
    const detail = `${name} ${version}`
    if (newest !== undefined && version <= newest.version) {
      const isSame = version === newest.version && sha256 === newest.sha256
      // The store's own and that of all stores may have one name: the newer one counts.
      if (!isSame && newest.store === store) this.#deny('superseded', detail)
      return
    }
    const others = [...this.#memory.all].filter(([other]) => other !== name)
    const sizes = others.map(([, { inUse, next }]) => (next ?? inUse)?.manifest.bytes ?? 0)
    const sum = sizes.reduce((total, size) => total + size, bytes)
    if (others.length >= LIMITS.documents || sum > LIMITS.documentsBytes) {
      this.#deny('too-large', detail)
      return
    }
    const work = this.#workOf(name)
    work.arrival.abort()
    const { inUse, next: before } = stored
    const { signal } = this.#stopping
    const now = {
      ...(inUse === undefined ? {} : { inUse }),
      next: { jws, manifest },
      ...(before === undefined ? {} : { old: before.manifest }),
    }
    await this.#memory.keep(name, now, { signal })
    if (before !== undefined) await this.#memory.drop(before.manifest, signal)
    work.arrival = new AbortController()
    this.#options.logger.info({ document: name, version, bytes }, 'a document is to come')
    this.#run(() => this.#fetch(name))
  }

  /** What is missing of the newest version; then it takes the place of the one in use. */
  async #fetch(name: string): Promise<void> {
    const { next, refusal } = this.#memory.all.get(name) ?? {}
    if (next === undefined || refusal !== undefined) return
    const { connection, topics, clock } = this.#options
    const { manifest } = next
    const work = this.#workOf(name)
    const { signal } = work.arrival
    const { store, version } = manifest
    const transfer = new DocumentTransfer({
      manifest,
      connection,
      topicOf: chunk => topics.documentChunk(store, { name, version, chunk }),
      chunks: await this.#memory.chunks(manifest),
      keep: (before, chunk) => this.#memory.add(manifest, { before, chunk }, signal),
      refused: topic => this.#mayNotRead(topic),
      deny: n => this.#deny('bad-chunk', `${name} ${version}: chunk ${n}`),
      clock,
      signal,
    })
    work.transfer = transfer
    const chunks = await transfer.run()
    if (!signal.aborted) await this.#turns.run(() => this.#whole(next, Buffer.concat(chunks)))
  }

  async #whole(arrived: HeldDocument, bytes: Uint8Array): Promise<void> {
    const { manifest } = arrived
    const { name, kind } = manifest
    const { signal } = this.#stopping
    const stored = this.#memory.all.get(name) ?? {}
    // A newer one was heard of meanwhile.
    if (stored.next?.manifest.version !== manifest.version) return
    const taken = await this.#options.own[kind]?.(bytes)
    if (taken?.ok === false) return this.#refuse(stored, arrived, taken.error)
    const events = [this.#received(manifest)]
    if (taken !== undefined) events.push(this.#applied(manifest, GATEWAY_TERMINAL))
    const before = stored.inUse?.manifest
    const isOther = before !== undefined && before.version !== manifest.version
    const now = { inUse: arrived, ...(isOther ? { old: before } : {}) }
    await this.#memory.keep(name, now, { events, signal })
    this.#options.logger.info({ document: name, version: manifest.version }, 'a document is here')
    this.#run(() => this.#use(name))
    if (isOther) await this.#memory.drop(before, signal)
  }

  async #refuse(stored: StoredDocument, bad: HeldDocument, error: string): Promise<void> {
    const { manifest } = bad
    const reason = error.slice(0, 400)
    const { signal } = this.#stopping
    const { name: document, version } = manifest
    this.#options.logger.error({ document, version, reason }, 'refused: the one before stays')
    const events = [this.#event('document.refused', { ...whichOf(manifest), reason })]
    const { inUse } = stored
    const now = { ...(inUse === undefined ? {} : { inUse }), next: bad, refusal: reason }
    await this.#memory.keep(document, now, { events, signal })
    await this.#memory.drop(manifest, signal)
  }

  /** Offers the version in use, and tells it to who takes it. */
  async #use(name: string): Promise<void> {
    const inUse = this.#memory.all.get(name)?.inUse
    if (inUse === undefined) return
    const work = this.#workOf(name)
    work.use.abort()
    work.use = new AbortController()
    if (this.#stopping.signal.aborted) return
    const { signal } = work.use
    const { manifest } = inUse
    const takers = this.#takersOf(manifest)
    work.pending.clear()
    for (const { terminal } of takers) work.pending.add(terminal)
    const chunks = await this.#memory.chunks(manifest)
    if (chunks.length < manifest.chunks.length) return this.#again(inUse)
    await this.#offer(work, { inUse, chunks })
    const bytes = Buffer.concat(chunks)
    await Promise.all(takers.map(taker => this.#push(taker, { manifest, bytes, signal })))
  }

  /** The disk lost some of it. */
  async #again(lost: HeldDocument): Promise<void> {
    const { name } = lost.manifest
    const { next = lost } = this.#memory.all.get(name) ?? {}
    await this.#memory.keep(name, { next }, { signal: this.#stopping.signal })
    this.#run(() => this.#fetch(name))
  }

  async #push(
    taker: DocumentTaker,
    given: {
      readonly manifest: DocumentManifest
      readonly bytes: Uint8Array
      readonly signal: AbortSignal
    },
  ): Promise<void> {
    const { manifest, bytes, signal } = given
    const { terminal } = taker
    const { name, kind } = manifest
    const way = taker.takes(kind)
    const whose = { terminal, name }
    const progress = await this.#memory.progress(terminal, manifest)
    if (way !== undefined && !progress.isApplied) {
      const end = await pushDocument({
        ...{ taker, way, document: name, bytes, progress, clock: this.#options.clock, signal },
        keep: async now => void (await this.#memory.keepProgress(whose, now, { signal })),
      })
      if (end === undefined) return
      const events = [this.#applied(manifest, terminal, appliedOf(end))]
      const applied = { ...end, isApplied: true }
      if (!(await this.#memory.keepProgress(whose, applied, { events, signal }))) return
    }
    this.#workOf(name).pending.delete(terminal)
  }

  /** Retained, on the topics that HQ uses; of the version before nothing stays. */
  async #offer(
    work: Work,
    given: { readonly inUse: HeldDocument; readonly chunks: readonly Uint8Array[] },
  ): Promise<void> {
    const { offer, topics, logger } = this.#options
    const { inUse, chunks } = given
    const topicOf = ({ store, name, version }: DocumentManifest, chunk: number): string =>
      topics.documentChunk(store, { name, version, chunk })
    const { offered } = work
    work.offered = inUse
    try {
      for (const [n, payload] of chunks.entries())
        await offer({ topic: topicOf(inUse.manifest, n), payload, retain: true })
      const { store, name } = inUse.manifest
      await offer({ topic: topics.document(store, name), payload: inUse.jws, retain: true })
      for (const n of offered === undefined ? [] : offered.manifest.chunks.keys())
        if (offered !== undefined && offered.manifest.version !== inUse.manifest.version)
          await offer({ topic: topicOf(offered.manifest, n), payload: '', retain: true })
    } catch (thrown) {
      logger.warn({ reason: messageOf(thrown) }, 'a document was not offered in the shop')
    }
  }

  #takersOf({ kind }: DocumentManifest): readonly DocumentTaker[] {
    return this.#options.takers.filter(taker => taker.takes(kind) !== undefined)
  }

  #received(manifest: DocumentManifest): Event {
    const { bytes, kind } = manifest
    const terminals = this.#takersOf(manifest).map(({ terminal }) => terminal)
    const targets = this.#options.own[kind] === undefined ? terminals : [GATEWAY_TERMINAL]
    return this.#event('document.received', { ...whichOf(manifest), bytes, targets })
  }

  #applied(
    manifest: DocumentManifest,
    terminal: string,
    told: ReturnType<typeof appliedOf> = { lines: 0, refused: 0, doubtful: 0 },
  ): Event {
    return this.#event('document.applied', { ...whichOf(manifest), ...told }, terminal)
  }

  #event<Type extends 'document.received' | 'document.refused' | 'document.applied'>(
    type: Type,
    data: EventData<Type>,
    terminal: string = GATEWAY_TERMINAL,
  ): Event {
    const { store, timeZone, clock, clockState } = this.#options
    const { document, version } = data
    return makeEvent({
      type,
      data,
      id: derivedEventId([type, document, String(version), terminal]),
      store,
      terminal: terminalId(terminal),
      wallMs: clock.wallMs(),
      timeZone,
      clockState: clockState(),
    })
  }

  #workOf(name: string): Work {
    const known = this.#work.get(name)
    if (known !== undefined) return known
    const [arrival, use] = [new AbortController(), new AbortController()]
    const work: Work = { arrival, use, pending: new Set() }
    this.#work.set(name, work)
    return work
  }

  #run(task: () => Promise<void>): void {
    const running = task()
      .catch(thrown => {
        if (!(thrown instanceof TillbridgeError)) throw thrown
        this.#options.logger.error({ code: thrown.code, reason: thrown.message }, 'left as it is')
      })
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  /** The broker's rules lack it; the connection is for sales, and stays. */
  #mayNotRead(topic: string): void {
    this.#options.logger.error({ topic }, 'the broker lets no document be read')
  }

  #deny(reason: string, detail: string): void {
    this.#denied += 1
    const denial = { reason, detail: detail.slice(0, 200) }
    this.#options.logger.warn(denial, 'a document was not believed')
    this.#options.deny(denial)
  }
}

/** What every event says of a document. */
function whichOf({ name: document, version, kind, sha256 }: DocumentManifest) {
  return { document, version, kind, sha256 }
}
