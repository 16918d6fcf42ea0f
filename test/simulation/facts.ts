import type { Table } from './disk.js'

/** What a stored record says of itself, read from its bytes: the layout around them is not ours. */
export interface Facts {
  /** `<epoch>/<seq>` */
  readonly place: string
  readonly epoch: string
  readonly seq: number
  /** Simulated time of its append; the wall clock may be wrong. */
  readonly appendedMs: number
  /** Id of the sale that it holds, if it is one. */
  readonly sale: string | undefined
}

const HEADER = /"epoch":"([^"]+)","monotonicMs":(\d+),"seq":(\d+)/
const SALE = /"id":"(sale-[a-z0-9-]+)"/

/** Values never change, and are shared by all copies of a table. */
const known = new WeakMap<Uint8Array, { readonly facts: Facts | undefined }>()

export function factsOf(value: Uint8Array): Facts | undefined {
  const remembered = known.get(value)
  if (remembered !== undefined) return remembered.facts
  const facts = readFacts(Buffer.from(value).toString('latin1'))
  known.set(value, { facts })
  return facts
}

function readFacts(text: string): Facts | undefined {
  const [, epoch, appendedMs, seq] = HEADER.exec(text) ?? []
  if (epoch === undefined) return undefined
  const place = `${epoch}/${seq}`
  const sale = SALE.exec(text)?.[1]
  return { place, epoch, seq: Number(seq), appendedMs: Number(appendedMs), sale }
}

function allFacts(table: Table): readonly Facts[] {
  return [...table.values].map(factsOf).filter(facts => facts !== undefined)
}

export function salesIn(table: Table): ReadonlySet<string> {
  return new Set(allFacts(table).flatMap(({ sale }) => (sale === undefined ? [] : [sale])))
}

export function placesIn(table: Table): ReadonlySet<string> {
  return new Set(allFacts(table).map(({ place }) => place))
}
