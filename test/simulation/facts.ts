/** What a stored record says of itself, read from its bytes: the layout around them is not ours. */
export interface Facts {
  /** `<epoch>/<seq>` */
  readonly place: string
  readonly epoch: string
  readonly seq: number
  /** Simulated time of its append; the wall clock may be wrong. */
  readonly appendedMs: number
  /** Id of what a till or a fridge said, if it holds that. */
  readonly said: string | undefined
}

const HEADER = /"epoch":"([^"]+)","monotonicMs":(\d+),"seq":(\d+)/
const SAID = /"id":"((?:sale|reading)-[a-z0-9-]+)"/

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
  const said = SAID.exec(text)?.[1]
  return { place, epoch, seq: Number(seq), appendedMs: Number(appendedMs), said }
}

export function saidIn(table: { readonly values: Iterable<Uint8Array> }): ReadonlySet<string> {
  return new Set([...table.values].flatMap(value => factsOf(value)?.said ?? []))
}
