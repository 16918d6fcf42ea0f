import { isStoreId, type StoreId, type TerminalId } from '../core/ids.js'

/** Default root of every topic; the digit is the version of the wire contract. */
export const DEFAULT_TOPIC_ROOT = 'tillbridge/1'

/** Every topic of the contract with HQ, under one root (sync.md, Topics). */
export interface Topics {
  hello(store: StoreId): string
  journal(store: StoreId): string
  status(store: StoreId): string
  /** A copy of the store's newest signed statement, retained. */
  statement(store: StoreId): string
  receipt(store: StoreId): string
  readonly ledger: string
  event(store: StoreId, terminal: TerminalId, type: string): string
  /** In direct mode the store publishes here and must hear itself before a PUBACK counts. */
  probe(store: StoreId): string
  /** The store of a topic `<root>/{store}/up/{leaf}`, or undefined for any other topic. */
  storeOf(topic: string, leaf: 'hello' | 'journal'): StoreId | undefined
  /** Filters for all stores at once, as HQ subscribes. */
  readonly every: { readonly hello: string; readonly journal: string }
}

const PROBE_TERMINAL = 'gateway'

/** @throws RangeError where the root is empty or holds a wildcard. */
export function topicsUnder(root: string): Topics {
  if (!/^[^/+#][^+#]*$/.test(root)) throw new RangeError(`not a topic root: ${root}`)
  const up = (store: string, leaf: string): string => `${root}/${store}/up/${leaf}`
  return {
    hello: store => up(store, 'hello'),
    journal: store => up(store, 'journal'),
    status: store => up(store, 'status'),
    statement: store => up(store, 'statement'),
    receipt: store => `${root}/${store}/down/receipt`,
    ledger: `${root}/hq/ledger`,
    event: (store, terminal, type) => `${root}/${store}/events/${terminal}/${type}`,
    probe: store => `${root}/${store}/events/${PROBE_TERMINAL}/probe`,
    storeOf: (topic, leaf) => {
      const store = topic.slice(root.length + 1, -`/up/${leaf}`.length)
      return isStoreId(store) && topic === up(store, leaf) ? store : undefined
    },
    every: { hello: up('+', 'hello'), journal: up('+', 'journal') },
  }
}
