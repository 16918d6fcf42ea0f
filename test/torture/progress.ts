import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { UnitResult } from './unit.js'

const finding = z.object({
  unit: z.number(),
  point: z.string(),
  what: z.array(z.string()),
  kept: z.string(),
})

const total = z.object({
  /** Units done; the next one has this number plus one. */
  units: z.number(),
  points: z.number(),
  seconds: z.number(),
  counts: z.record(z.string(), z.number()),
  findings: z.array(finding),
})

export type Total = z.infer<typeof total>

const state = z.object({ seed: z.number(), totals: z.record(z.string(), total) })

/** How far a run came, in a file of its directory: one that was broken off goes on from there. */
export class Progress {
  readonly #file: string
  readonly seed: number
  readonly #totals: Map<string, Total>

  /** `seed` is that of a new run; one that goes on keeps its own. */
  constructor(options: {
    readonly directory: string
    readonly seed: number
    readonly resume: boolean
  }) {
    const { directory, resume } = options
    mkdirSync(directory, { recursive: true })
    this.#file = join(directory, 'progress.json')
    const found = resume && existsSync(this.#file) ? readFileSync(this.#file, 'utf8') : undefined
    const known = found === undefined ? undefined : state.parse(JSON.parse(found))
    this.seed = known?.seed ?? options.seed
    this.#totals = new Map(Object.entries(known?.totals ?? {}))
  }

  of(kind: string): Total {
    return this.#totals.get(kind) ?? { units: 0, points: 0, seconds: 0, counts: {}, findings: [] }
  }

  add(kind: string, done: { readonly result: UnitResult; readonly seconds: number }): void {
    const { result, seconds } = done
    const before = this.of(kind)
    const counts = { ...before.counts }
    for (const [name, count] of Object.entries(result.counts))
      counts[name] = (counts[name] ?? 0) + count
    this.#totals.set(kind, {
      units: before.units + 1,
      points: before.points + result.points,
      seconds: before.seconds + seconds,
      counts,
      findings: [
        ...before.findings,
        ...result.findings.map(each => ({ ...each, what: [...each.what] })),
      ],
    })
    this.#save()
  }

  #save(): void {
    const text = JSON.stringify({ seed: this.seed, totals: Object.fromEntries(this.#totals) })
    writeFileSync(`${this.#file}.new`, text)
    renameSync(`${this.#file}.new`, this.#file)
  }
}
