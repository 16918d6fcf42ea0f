import { type DeviceId, isStoreId, type StoreId, type TerminalId } from '../core/ids.js'

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
  /** By which certificate the store speaks, and whether it wants a new one; retained. */
  certificate(store: StoreId): string
  /** The certificate that HQ issued last, retained. */
  newCertificate(store: StoreId): string
  /** A gateway without identity asks here, retained; of `+`: every one. */
  enrolRequest(device: DeviceId | '+'): string
  /** HQ's signed answer, retained until it was taken. */
  enrolAnswer(device: DeviceId): string
  readonly ledger: string
  /** HQ's signed request. */
  command(store: StoreId, id: string): string
  /** Every request to this store. */
  commands(store: StoreId): string
  /** What becomes of a request: a copy, the truth travels in the journal. */
  outcome(store: StoreId, id: string): string
  /** A chunk of an answer that is long, counted from 0. */
  answer(store: StoreId, id: string, chunk: number): string
  /** Every chunk of one answer. */
  answers(store: StoreId, id: string): string
  /** HQ's signed manifest of a document's newest version, retained; of `hq`: for every store. */
  document(store: StoreId | 'hq', name: string): string
  /** Every manifest for this store, or for all. */
  documents(store: StoreId | 'hq'): string
  /** The manifests of one name, of every store and of `hq`. */
  documentOfAll(name: string): string
  /** A chunk of a document, counted from 0, retained. */
  documentChunk(store: StoreId | 'hq', document: DocumentChunk): string
  event(store: StoreId, terminal: TerminalId, type: string): string
  /** A store's doctor writes here, to see whether it may: nobody reads it. */
  doctor(store: StoreId): string
  /** In direct mode the store publishes here and must hear itself before a PUBACK counts. */
  probe(store: StoreId): string
  /** HQ hears itself here: what came before it has come. `word` makes it the asker's own. */
  echo(word: string): string
  /** HQ publishes here and must hear itself before a PUBACK on an events topic counts. */
  readonly eventsProbe: string
  /** Whether it is a topic of this contract. */
  isUnder(topic: string): boolean
  /** The store of a topic of this leaf, or undefined for any other topic. */
  storeOf(topic: string, leaf: StoreLeaf): StoreId | undefined
  /** Filters for all stores at once, as HQ subscribes. */
  readonly every: Readonly<Record<StoreLeaf, string>>
}

export interface DocumentChunk {
  readonly name: string
  readonly version: number
  readonly chunk: number
}

export type StoreLeaf = 'hello' | 'journal' | 'receipt' | 'certificate'

const LEAVES = {
  hello: 'up/hello',
  journal: 'up/journal',
  receipt: 'down/receipt',
  certificate: 'up/certificate',
} as const
const PROBE_TERMINAL = 'gateway'
/** Receivers that share the work of one ledger; another name would be given all of it again. */
const SHARE_GROUP = 'tillbridge'

/** The filter as a subscription that receivers share (MQTT 5 §4.8.2; mosquitto: 3.1.1, too). */
export function shared(filter: string): string {
  return `$share/${SHARE_GROUP}/${filter}`
}

/** @throws RangeError where the root is empty or holds a wildcard. */
export function topicsUnder(root: string): Topics {
  if (!/^[^/+#][^+#]*$/.test(root)) throw new RangeError(`not a topic root: ${root}`)
  const at = (store: string, leaf: StoreLeaf): string => `${root}/${store}/${LEAVES[leaf]}`
  const events = (store: string): string => `${root}/${store}/events`
  const probe = (store: string): string => `${events(store)}/${PROBE_TERMINAL}/probe`
  return {
    hello: store => at(store, 'hello'),
    journal: store => at(store, 'journal'),
    status: store => `${root}/${store}/up/status`,
    statement: store => `${root}/${store}/up/statement`,
    receipt: store => at(store, 'receipt'),
    certificate: store => at(store, 'certificate'),
    newCertificate: store => `${root}/${store}/down/certificate`,
    enrolRequest: device => `${root}/enrol/${device}/up`,
    enrolAnswer: device => `${root}/enrol/${device}/down`,
    ledger: `${root}/hq/ledger`,
    command: (store, id) => `${root}/${store}/down/command/${id}`,
    commands: store => `${root}/${store}/down/command/+`,
    outcome: (store, id) => `${root}/${store}/up/outcome/${id}`,
    answer: (store, id, chunk) => `${root}/${store}/up/answer/${id}/${chunk}`,
    answers: (store, id) => `${root}/${store}/up/answer/${id}/+`,
    document: (store, name) => `${root}/${store}/down/document/${name}`,
    documents: store => `${root}/${store}/down/document/+`,
    documentOfAll: name => `${root}/+/down/document/${name}`,
    documentChunk: (store, { name, version, chunk }) =>
      `${root}/${store}/down/document/${name}/${version}/${chunk}`,
    event: (store, terminal, type) => `${events(store)}/${terminal}/${type}`,
    doctor: store => `${root}/${store}/up/doctor`,
    probe,
    echo: word => `${root}/hq/echo/${word}`,
    eventsProbe: probe('hq'),
    isUnder: topic => topic.startsWith(`${root}/`),
    storeOf: (topic, leaf) => {
      const store = topic.slice(root.length + 1, -LEAVES[leaf].length - 1)
      return isStoreId(store) && topic === at(store, leaf) ? store : undefined
    },
    every: {
      hello: at('+', 'hello'),
      journal: at('+', 'journal'),
      receipt: at('+', 'receipt'),
      certificate: at('+', 'certificate'),
    },
  }
}
