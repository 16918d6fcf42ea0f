import { z } from 'zod'
import type { Clock } from '../core/clock.js'
import { TillbridgeError } from '../core/errors.js'
import type { TerminalId } from '../core/ids.js'
import { LIMITS } from '../core/limits.js'
import { decodeJson } from '../core/schema.js'
import type { Event } from '../event/event.js'
import type { FragmentChange, Journal } from '../journal/journal.js'
import { type DocumentManifest, digestOfBytes, documentManifest } from '../wire/document.js'
import { decodeProgress, encodeProgress, noProgress, type PushProgress } from './document-push.js'

const HEADS = 'document/'
const BODIES = 'document-body/'
const PUSHES = 'document-push/'

const held = z.strictObject({
  /** As HQ signed it: who listens in the shop can verify it, too. */
  jws: z.string(),
  manifest: documentManifest,
})

export type HeldDocument = z.infer<typeof held>

const document = z.strictObject({
  inUse: held.exactOptional(),
  /** The newest, where it is not whole yet, or not used. */
  next: held.exactOptional(),
  /** Why it is not used. */
  refusal: z.string().exactOptional(),
  /** The chunks of this one are to go; a start after a kill sees to it. */
  old: documentManifest.exactOptional(),
})

/** What the store has of a document: the version in use, and the one that is to replace it. */
export type StoredDocument = z.infer<typeof document>

/**
 * Documents over restarts, beside the journal: each step is durable before anybody acts on it, and
 * what the shop says of it is journaled in the same write.
 */
export class DocumentMemory {
  readonly #journal: Journal
  readonly #clock: Clock
  readonly #stored = new Map<string, StoredDocument>()

  /** @throws TillbridgeError TB_JOURNAL_WRITE, TB_JOURNAL_UNREADABLE */
  static async open(options: {
    readonly journal: Journal
    readonly clock: Clock
  }): Promise<DocumentMemory> {
    const memory = new DocumentMemory(options)
    for (const [source, [bytes]] of await options.journal.fragmentsUnder(HEADS)) {
      // One that was damaged comes again: HQ's broker keeps it.
      const decoded = decodeJson(document, bytes ?? new Uint8Array(0))
      if (decoded.ok) memory.#stored.set(source.slice(HEADS.length), decoded.value)
    }
    return memory
  }

  private constructor(options: { readonly journal: Journal; readonly clock: Clock }) {
    this.#journal = options.journal
    this.#clock = options.clock
  }

  get all(): ReadonlyMap<string, StoredDocument> {
    return this.#stored
  }

  /** How far a terminal is; nothing where it is at the beginning of this version. */
  async progress(terminal: TerminalId, { name, version }: DocumentManifest): Promise<PushProgress> {
    const [bytes] = await this.#journal.fragments(pushOf(terminal, name))
    const progress = bytes === undefined ? undefined : decodeProgress(bytes)
    return progress?.version === version ? progress : noProgress(version)
  }

  async keepProgress(
    whose: { readonly terminal: TerminalId; readonly name: string },
    progress: PushProgress,
    options: { readonly events?: readonly Event[]; readonly signal: AbortSignal },
  ): Promise<boolean> {
    const source = pushOf(whose.terminal, whose.name)
    const change = { source, before: [], after: [encodeProgress(progress)] }
    return this.#write(options.events ?? [], { change, signal: options.signal })
  }

  /** Resolves once it is durable, however long the disk is full. */
  async keep(
    name: string,
    stored: StoredDocument,
    options: { readonly events?: readonly Event[]; readonly signal: AbortSignal },
  ): Promise<void> {
    const change = { source: `${HEADS}${name}`, before: [], after: [encode(stored)] }
    const { events = [], signal } = options
    if (await this.#write(events, { change, signal })) this.#stored.set(name, stored)
  }

  /** The chunks that are there and sound, from the first one on. */
  async chunks(manifest: DocumentManifest): Promise<readonly Uint8Array[]> {
    const chunks = await this.#journal.fragments(bodyOf(manifest))
    const end = chunks.findIndex((chunk, n) => digestOfBytes(chunk) !== manifest.chunks[n])
    return end < 0 ? chunks : chunks.slice(0, end)
  }

  /** One chunk more, durable when this resolves. */
  async add(
    manifest: DocumentManifest,
    chunks: { readonly before: readonly Uint8Array[]; readonly chunk: Uint8Array },
    signal: AbortSignal,
  ): Promise<void> {
    const { before, chunk } = chunks
    const change = { source: bodyOf(manifest), before, after: [...before, chunk] }
    await this.#write([], { change, signal })
  }

  async drop(manifest: DocumentManifest, signal: AbortSignal): Promise<void> {
    const source = bodyOf(manifest)
    const before = await this.#journal.fragments(source)
    if (before.length > 0) await this.#write([], { change: { source, before, after: [] }, signal })
  }

  /** Whether it is durable; else the signal aborted before the disk took it. */
  async #write(
    events: readonly Event[],
    options: { readonly change: FragmentChange; readonly signal: AbortSignal },
  ): Promise<boolean> {
    const { change, signal } = options
    do {
      try {
        await this.#journal.append(events, change)
        return true
      } catch (thrown) {
        if (!(thrown instanceof TillbridgeError)) throw thrown
        await this.#clock.sleep(LIMITS.refusedRetryMs, signal)
      }
    } while (!signal.aborted)
    return false
  }
}

function bodyOf({ name, version }: DocumentManifest): string {
  return `${BODIES}${name}/${version}`
}

function pushOf(terminal: TerminalId, name: string): string {
  return `${PUSHES}${terminal}/${name}`
}

function encode(stored: StoredDocument): Uint8Array {
  return Buffer.from(JSON.stringify(stored), 'utf8')
}
