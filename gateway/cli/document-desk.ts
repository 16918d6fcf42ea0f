import { rfc3339, systemClock } from '../core/clock.js'
import type { StoreId } from '../core/ids.js'
import { signJws } from '../security/jws.js'
import type { SigningKey } from '../security/signature.js'
import { type DocumentManifest, decodeManifest, type OutgoingDocument } from '../wire/document.js'
import type { Topics } from '../wire/topics.js'
import type { AtBroker } from './at-broker.js'
import type { BrokerDesk } from './broker-desk.js'

export type DocumentOwner = StoreId | 'hq'

/** Where HQ puts documents out for its stores. */
export class DocumentDesk {
  readonly #desk: BrokerDesk
  readonly #topics: Topics

  constructor({ desk, topics }: AtBroker) {
    this.#desk = desk
    this.#topics = topics
  }

  /** What is put out for a store, or for all; of one name, or of every. */
  async show(owner: DocumentOwner, name = '+'): Promise<readonly DocumentManifest[]> {
    return this.#retained(this.#topics.document(owner, name))
  }

  async #retained(filter: string): Promise<readonly DocumentManifest[]> {
    const found = await this.#desk.retained(filter)
    return found.flatMap(({ payload }) => readSigned(payload) ?? [])
  }

  /** What is put out newest: for every store (`hq`), and for those that have their own. */
  async versions(name: string): Promise<ReadonlyMap<DocumentOwner, number>> {
    const found = await this.#retained(this.#topics.documentOfAll(name))
    return new Map(found.map(({ store, version }) => [store, version]))
  }

  /**
   * The chunks first and what names them last: whoever hears of it finds it whole. Then what was
   * there before is taken back. Each key signs what the one before it did.
   */
  async publish(
    { manifest, chunks }: OutgoingDocument,
    keys: readonly SigningKey[],
  ): Promise<string[]> {
    const { name, version, store } = manifest
    const before = await this.show(store, name)
    for (const [chunk, payload] of chunks.entries())
      await this.#desk.put(this.#topics.documentChunk(store, { name, version, chunk }), payload)
    const jws = keys.reduce(signJws, JSON.stringify(manifest))
    await this.#desk.put(this.#topics.document(store, name), jws)
    const old = before.filter(each => each.version !== version)
    for (const each of old)
      for (const chunk of each.chunks.keys()) {
        const topic = this.#topics.documentChunk(store, { name, version: each.version, chunk })
        await this.#desk.put(topic, '')
      }
    return old.map(each => String(each.version))
  }
}

/** Rises with time, and says when: 2026-12-01 03:15:00 is 20261201031500. */
export function versionNow(): number {
  return Number(rfc3339(systemClock.wallMs(), 'UTC').replace(/\D/g, '').slice(0, 14))
}

/** As it lies at HQ's own broker: stores verify it. */
function readSigned(jws: Uint8Array): DocumentManifest | undefined {
  const [, text = ''] = Buffer.from(jws).toString('latin1').split('.')
  const payload = Buffer.from(text, 'base64url')
  const manifest = decodeManifest(payload)
  if (manifest.ok) return manifest.value
  const isSeconded = payload.includes('.')
  return isSeconded && payload.length < jws.length ? readSigned(payload) : undefined
}
