import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { connectTo } from '../support/mqtt.js'
import { until } from '../support/until.js'

const identity = z.looseObject({ source: z.string(), id: z.string() })
const row = z.object({ kind: z.string(), event: z.string().nullable() })

/** What the fan-out adds to an event (docs/hq.md). */
const ADDED = ['sequence', 'epoch', 'recordedtime', 'historical']

/** Hears every event as any subscriber of HQ's broker would, and remembers the exact bytes. */
export class EventListener {
  readonly #connection
  readonly #heard = new Map<string, string>()
  readonly #changed: string[] = []
  #repeats = 0
  #session = 0

  constructor(options: { readonly port: number }) {
    // 3.1.1 has no Receive Maximum, by which the broker would hold events back for it.
    this.#connection = connectTo({ ...options, protocol: '3.1.1' })
    this.#connection.subscribe('tillbridge/1/+/events/#', ({ payload }) =>
      this.#note(Buffer.from(payload).toString('utf8')),
    )
  }

  /** Events that came again. */
  get repeats(): number {
    return this.#repeats
  }

  /** Counts the times that it was there, from 1; the last one, also while it is away. */
  get session(): number {
    const { state } = this.#connection
    if (state.type === 'online') this.#session = state.session
    return this.#session
  }

  async start(): Promise<void> {
    this.#connection.start()
    await this.isListening({ after: 0 })
  }

  /** Anew: that the broker of before is gone may not have been noticed yet. */
  async isListening({ after }: { readonly after: number }): Promise<void> {
    await until('the listener is there', () => this.session > after)
  }

  async stop(): Promise<void> {
    await this.#connection.stop(1_000)
  }

  /** Each event of an export at least once, as it stands in the ledger; every repeat the same. */
  findings(rows: readonly string[]): readonly string[] {
    const findings = [...this.#changed]
    for (const line of rows) {
      const { kind, event } = row.parse(JSON.parse(line))
      if (kind !== 'event' || event === null) continue
      const stands: unknown = JSON.parse(event)
      const key = keyOf(stands)
      const heard = this.#heard.get(key)
      if (heard === undefined) findings.push(`${key} was never published`)
      else if (!isDeepStrictEqual(withoutAdded(heard), stands))
        findings.push(`${key} was published with another content`)
    }
    return findings
  }

  #note(text: string): void {
    const key = keyOf(JSON.parse(text))
    const before = this.#heard.get(key)
    if (before === undefined) this.#heard.set(key, text)
    else {
      this.#repeats += 1
      if (before !== text) this.#changed.push(`${key} came again as another event`)
    }
  }
}

function keyOf(event: unknown): string {
  const { source, id } = identity.parse(event)
  return `${source} ${id}`
}

function withoutAdded(text: string): unknown {
  const members = Object.entries(identity.parse(JSON.parse(text)))
  return Object.fromEntries(members.filter(([name]) => !ADDED.includes(name)))
}
