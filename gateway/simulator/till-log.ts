import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  truncateSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import type { Clock } from '../core/clock.js'
import { parseJson, parseWith } from '../core/schema.js'
import { type TillSale, tillSale } from './till-sale.js'

const entry = z.discriminatedUnion('type', [
  /** Each start of the till. `numbered`: its receipts carry numbers and a business day. */
  z.strictObject({
    type: z.literal('till'),
    till: z.string(),
    numbered: z.boolean(),
    atMs: z.number(),
  }),
  /** Written before the first byte of a sale leaves. `n` counts the till's sales from 1. */
  z.strictObject({
    type: z.literal('sale'),
    till: z.string(),
    n: z.int().min(1),
    atMs: z.number(),
    sale: tillSale,
  }),
  /** Written after the acknowledgement came, before the next sale. */
  z.strictObject({
    type: z.literal('acknowledged'),
    till: z.string(),
    n: z.int().min(1),
    atMs: z.number(),
  }),
])

/** Times are milliseconds since 1970. */
export type TillLogEntry = z.infer<typeof entry>

/** A sale that was written down, and when (milliseconds since 1970). */
export interface Begun {
  readonly n: number
  readonly sale: TillSale
  readonly atMs: number
}

/** Where a till stood when it last wrote. */
export interface TillMemory {
  /** Sales begun so far. */
  readonly sales: number
  /** The one whose acknowledgement is not known: it must be sent again. */
  readonly unacknowledged?: Begun
}

/**
 * What a till remembers itself, one JSON object a line, each on the disk before the till goes on:
 * the evidence that the ledger is held against. A torn last line was never acted upon and is cut.
 */
export class TillLog {
  readonly #till: string
  readonly #clock: Clock
  readonly #file: number
  readonly memory: TillMemory

  constructor(options: {
    readonly path: string
    readonly till: string
    readonly numbered: boolean
    readonly clock: Clock
  }) {
    const { path, till, numbered, clock } = options
    this.#till = till
    this.#clock = clock
    mkdirSync(dirname(path), { recursive: true })
    this.memory = existsSync(path) ? recall(path) : { sales: 0 }
    this.#file = openSync(path, 'a')
    this.#write({ type: 'till', till, numbered, atMs: clock.wallMs() })
  }

  begin(n: number, sale: TillSale): Begun {
    const begun = { n, sale, atMs: this.#clock.wallMs() }
    this.#write({ type: 'sale', till: this.#till, ...begun })
    return begun
  }

  acknowledged(n: number): void {
    this.#write({ type: 'acknowledged', till: this.#till, n, atMs: this.#clock.wallMs() })
  }

  close(): void {
    closeSync(this.#file)
  }

  #write(line: TillLogEntry): void {
    writeSync(this.#file, `${JSON.stringify(line)}\n`)
    fsyncSync(this.#file)
  }
}

/** The entries of a till's log. @throws SyntaxError where a whole line is none. */
export function readTillLog(path: string): TillLogEntry[] {
  const content = readFileSync(path, 'utf8')
  const whole = content.slice(0, content.lastIndexOf('\n') + 1)
  return whole
    .split('\n')
    .slice(0, -1)
    .map(line => {
      const json = parseJson(line)
      const parsed = json.ok ? parseWith(entry, json.value) : json
      if (!parsed.ok) throw new SyntaxError(`${path}: ${line.slice(0, 80)}`)
      return parsed.value
    })
}

function recall(path: string): TillMemory {
  const content = readFileSync(path)
  truncateSync(path, content.lastIndexOf('\n') + 1)
  let sales = 0
  let unacknowledged: TillMemory['unacknowledged']
  for (const line of readTillLog(path)) {
    if (line.type === 'sale') {
      sales = line.n
      unacknowledged = { n: line.n, sale: line.sale, atMs: line.atMs }
    }
    if (line.type === 'acknowledged') unacknowledged = undefined
  }
  return unacknowledged === undefined ? { sales } : { sales, unacknowledged }
}
