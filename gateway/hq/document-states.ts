import type { StoreId } from '../core/ids.js'
import { decodeEvent, GATEWAY_TERMINAL } from '../event/event.js'
import type { DocumentState, LedgerRow } from './ledger.js'

type Received = Pick<DocumentState, 'store' | 'version'> & {
  readonly targets: readonly string[]
  readonly receivedAt: string
}
type Applied = Omit<DocumentState, 'store' | 'terminal' | 'version'> & { readonly version: number }

/** Who has it where no terminal is to take it: it lies ready in the shop. */
const HOLDER = GATEWAY_TERMINAL

/** Tells who works by which version of one document, from the events of all documents. */
export class DocumentStates {
  readonly #name: string
  readonly #received = new Map<StoreId, Received>()
  readonly #applied = new Map<string, Applied>()

  constructor(name: string) {
    this.#name = name
  }

  /** In any order. */
  add({ store, kind, event: bytes }: LedgerRow): void {
    if (bytes === undefined || kind === 'duplicate') return
    const event = decodeEvent(bytes)
    if (!event.ok) return
    const { type, data, terminal, time } = event.value
    if (type === 'document.received' && data.document === this.#name) {
      const { version, targets } = data
      if (version > (this.#received.get(store)?.version ?? 0))
        this.#received.set(store, { store, version, targets, receivedAt: instant(time) })
    } else if (type === 'document.applied' && data.document === this.#name) {
      const { version, refused, doubtful, reason } = data
      const key = `${store}/${terminal}`
      if (version <= (this.#applied.get(key)?.version ?? 0)) return
      const appliedAt = instant(time)
      const said = reason === undefined ? {} : { reason }
      this.#applied.set(key, { version, appliedAt, refused, doubtful, ...said })
    }
  }

  /** By store and terminal. */
  get all(): readonly DocumentState[] {
    const states = [...this.#received.values()].flatMap(
      ({ store, version, targets, receivedAt }) => {
        if (targets.length === 0)
          return [
            { store, terminal: HOLDER, version, appliedVersion: version, appliedAt: receivedAt },
          ]
        return targets.map((terminal): DocumentState => {
          const applied = this.#applied.get(`${store}/${terminal}`)
          if (applied === undefined) return { store, terminal, version }
          const { version: appliedVersion, ...rest } = applied
          return { store, terminal, version, appliedVersion, ...rest }
        })
      },
    )
    return states.sort((a, b) => (`${a.store}/${a.terminal}` < `${b.store}/${b.terminal}` ? -1 : 1))
  }
}

function instant(time: string): string {
  return new Date(time).toISOString()
}
