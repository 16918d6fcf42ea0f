import type { FileHandle } from 'node:fs/promises'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../core/clock.js'
import { writeDurably } from '../../core/durable-file.js'
import { systemCodeOf, TillbridgeError } from '../../core/errors.js'
import { lockFile } from '../../core/file-lock.js'
import { storeIdSchema } from '../../core/id-schema.js'
import type { StoreId } from '../../core/ids.js'
import { LIMITS } from '../../core/limits.js'
import { decodeJson } from '../../core/schema.js'
import { newEntry, type StoreEntry, storeEntry } from './store-entry.js'

/** What brokers may see of it. */
const PUBLIC = 'public'

/** Where the register of stores stands: its files, and who may change them. */
export class RegisterFolder {
  readonly #path: string
  readonly #clock: Clock

  constructor({ path, clock }: { readonly path: string; readonly clock: Clock }) {
    this.#path = path
    this.#clock = clock
  }

  /** What brokers read of who is believed no more. */
  get revocations(): string {
    return join(this.#path, PUBLIC, 'crl.pem')
  }

  get codes(): string {
    return join(this.#path, 'codes.json')
  }

  /** PEM of the authority. Makes what it lacks beside. @throws Error where there is none */
  async open(): Promise<{ readonly certificate: string; readonly key: string }> {
    const [certificate, key] = await Promise.all([
      readFile(join(this.#path, PUBLIC, 'authority.pem'), 'utf8'),
      readFile(join(this.#path, 'authority.key'), 'utf8'),
    ])
    await mkdir(join(this.#path, 'stores'), { recursive: true, mode: 0o700 })
    return { certificate, key }
  }

  /** @throws TillbridgeError TB_ENROL_AUTHORITY where one of them is damaged */
  async entries(): Promise<readonly StoreEntry[]> {
    const names = (await readdir(join(this.#path, 'stores'))).filter(name => name.endsWith('.json'))
    const stores = names.sort().map(name => storeIdSchema.parse(name.slice(0, -'.json'.length)))
    return Promise.all(stores.map(store => this.entry(store)))
  }

  /** One without gateways where HQ never enrolled it. @throws TillbridgeError TB_ENROL_AUTHORITY */
  async entry(store: StoreId): Promise<StoreEntry> {
    const path = this.#entryPath(store)
    const bytes = await readIfThere(path)
    if (bytes === undefined) return newEntry(store)
    const entry = decodeJson(storeEntry, bytes)
    if (entry.ok) return entry.value
    throw new TillbridgeError('TB_ENROL_AUTHORITY', `${path}: ${entry.error}`)
  }

  async write(entry: StoreEntry): Promise<void> {
    const text = `${JSON.stringify(entry, undefined, 2)}\n`
    await writeDurably(this.#entryPath(entry.store), { text, mode: 0o600 })
  }

  /** One process changes it at a time. @throws TillbridgeError TB_ENROL_AUTHORITY */
  async alone<Value>(work: () => Promise<Value>): Promise<Value> {
    const lock = await this.#lock()
    try {
      return await work()
    } finally {
      await lock.close()
    }
  }

  async #lock(): Promise<FileHandle> {
    const path = join(this.#path, 'lock')
    const untilMs = this.#clock.monotonicMs() + LIMITS.registerLockMs
    for (;;) {
      const lock = await lockFile(path)
      if (lock !== undefined) return lock
      if (this.#clock.monotonicMs() > untilMs)
        throw new TillbridgeError('TB_ENROL_AUTHORITY', `${path}: another process holds it`)
      await this.#clock.sleep(LIMITS.registerLookMs)
    }
  }

  #entryPath(store: StoreId): string {
    return join(this.#path, 'stores', `${store}.json`)
  }
}

/** Nothing where there is no such file. */
export async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path)
  } catch (thrown) {
    if (systemCodeOf(thrown) === 'ENOENT') return undefined
    throw thrown
  }
}
