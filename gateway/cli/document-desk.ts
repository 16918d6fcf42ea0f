import { rfc3339, systemClock } from '../core/clock.js'
import { TillbridgeError } from '../core/errors.js'
import type { StoreId } from '../core/ids.js'
import { silentLogger } from '../core/log.js'
import { systemRandom } from '../core/random.js'
import { fail, ok, type Result } from '../core/result.js'
import { MqttJsConnection } from '../mqtt/mqtt-js-connection.js'
import type { MqttAddress } from '../mqtt/mqtt-session.js'
import { signJws } from '../security/jws.js'
import type { SigningKey } from '../security/signature.js'
import { type DocumentManifest, decodeManifest, type OutgoingDocument } from '../wire/document.js'
import type { Topics } from '../wire/topics.js'

const FAREWELL_MS = 1_000
const CONNECT_MS = 15_000
const LOOK_MS = 50
/** Time in which a broker says what it keeps. */
const RETAINED_MS = 1_000

export type DocumentOwner = StoreId | 'hq'

/** Where HQ puts documents out for its stores: retained at its broker, until the next version. */
export class DocumentDesk {
  readonly #connection: MqttJsConnection
  readonly #topics: Topics

  constructor(options: {
    readonly address: Omit<MqttAddress, 'clientId'>
    readonly topics: Topics
  }) {
    const clientId = `tillbridge-document-${Buffer.from(systemRandom.bytes(6)).toString('hex')}`
    this.#topics = options.topics
    this.#connection = new MqttJsConnection({
      address: { ...options.address, clientId },
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
    })
  }

  /** Whether the broker is there; else why not. */
  async start(): Promise<Result<undefined, string>> {
    this.#connection.start()
    const untilMs = systemClock.monotonicMs() + CONNECT_MS
    for (;;) {
      const { state } = this.#connection
      if (state.type === 'online') return ok(undefined)
      const reason = state.type === 'connecting' ? state.reason : undefined
      if (reason !== undefined || systemClock.monotonicMs() > untilMs)
        return fail(`the broker: ${reason ?? 'it does not answer'}`)
      await systemClock.sleep(LOOK_MS)
    }
  }

  stop(): Promise<void> {
    return this.#connection.stop(FAREWELL_MS)
  }

  /** What is put out for a store, or for all; of one name, or of every. */
  async show(owner: DocumentOwner, name = '+'): Promise<readonly DocumentManifest[]> {
    return this.#retained(this.#topics.document(owner, name))
  }

  async #retained(topic: string): Promise<readonly DocumentManifest[]> {
    const found: DocumentManifest[] = []
    const silence = this.#connection.subscribe(topic, ({ payload }) => {
      const manifest = readSigned(payload)
      if (manifest !== undefined) found.push(manifest)
    })
    await systemClock.sleep(RETAINED_MS)
    silence()
    return found
  }

  /** What is put out newest: for every store (`hq`), and for those that have their own. */
  async versions(name: string): Promise<ReadonlyMap<DocumentOwner, number>> {
    const found = await this.#retained(this.#topics.documentOfAll(name))
    return new Map(found.map(({ store, version }) => [store, version]))
  }

  /**
   * The chunks first and what names them last: whoever hears of it finds it whole. Then what was
   * there before is taken back.
   */
  async publish({ manifest, chunks }: OutgoingDocument, key: SigningKey): Promise<string[]> {
    const { name, version, store } = manifest
    const before = await this.show(store, name)
    for (const [chunk, payload] of chunks.entries())
      await this.#put(this.#topics.documentChunk(store, { name, version, chunk }), payload)
    const jws = signJws(JSON.stringify(manifest), key)
    await this.#put(this.#topics.document(store, name), jws)
    const old = before.filter(each => each.version !== version)
    for (const each of old)
      for (const chunk of each.chunks.keys()) {
        const topic = this.#topics.documentChunk(store, { name, version: each.version, chunk })
        await this.#put(topic, '')
      }
    return old.map(each => String(each.version))
  }

  /** Over a lost line, too. @throws TillbridgeError TB_MQTT_DENIED, TB_MQTT_TOO_LARGE */
  async #put(topic: string, payload: Uint8Array | string): Promise<void> {
    for (;;) {
      try {
        await this.#connection.publish({ topic, payload, retain: true })
        return
      } catch (thrown) {
        const isLost = thrown instanceof TillbridgeError && thrown.code === 'TB_MQTT_CLOSED'
        if (!isLost) throw thrown
        await systemClock.sleep(LOOK_MS)
      }
    }
  }
}

/** Rises with time, and says when: 2026-12-01 03:15:00 is 20261201031500. */
export function versionNow(): number {
  return Number(rfc3339(systemClock.wallMs(), 'UTC').replace(/\D/g, '').slice(0, 14))
}

/** As it lies at HQ's own broker: stores verify it. */
function readSigned(jws: Uint8Array): DocumentManifest | undefined {
  const [, payload = ''] = Buffer.from(jws).toString('latin1').split('.')
  const manifest = decodeManifest(Buffer.from(payload, 'base64url'))
  return manifest.ok ? manifest.value : undefined
}
