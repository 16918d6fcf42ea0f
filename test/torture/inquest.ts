import { cpSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { judge, type Verdict } from './judge.js'
import type { Evidence } from './tortured-shop.js'
import { type Finding, Tally, type UnitResult } from './unit.js'

/** What was looked at in one unit, and what was found. */
export class Inquest {
  readonly tally = new Tally()
  readonly #unit: number
  readonly #keep: string
  readonly #findings: Finding[] = []
  #points = 0

  /** `keep`: the folder where findings are kept, under the name of the unit. */
  constructor(options: { readonly unit: number; readonly keep: string }) {
    this.#unit = options.unit
    this.#keep = options.keep
  }

  get points(): number {
    return this.#points
  }

  get hasFound(): boolean {
    return this.#findings.length > 0
  }

  get result(): UnitResult {
    return { points: this.#points, counts: this.tally.counts, findings: this.#findings }
  }

  /** Judges a copy of a data directory, which lies in this directory. */
  async judgeCopy(options: {
    readonly directory: string
    readonly data: string
    readonly evidence: Evidence
    readonly point: string
  }): Promise<void> {
    const { directory, data, evidence, point } = options
    const [copy, opened] = [join(directory, 'copy'), join(directory, 'opened')]
    for (const path of [copy, opened]) rmSync(path, RECURSIVE)
    // The first mkdir may be the very call that was hit.
    mkdirSync(data, { recursive: true })
    cpSync(data, copy, RECURSIVE)
    cpSync(copy, opened, RECURSIVE)
    const verdict = await judge(opened, evidence)
    this.count(verdict)
    this.note({ point, what: verdict.findings, keep: kept => cpSync(directory, kept, RECURSIVE) })
  }

  /** One more point was looked at. */
  count(verdict: Verdict): void {
    this.#points += 1
    this.tally.add('acknowledged sales looked for', verdict.acknowledged)
    this.tally.add('records verified', verdict.records)
    for (const cause of verdict.recoveries) this.tally.add(`recovered: ${cause}`)
    if (verdict.gaps > 0 && verdict.findings.length === 0)
      this.tally.add('names gaps, nothing acknowledged lost')
  }

  /** `keep` puts what a person wants to look at into the folder that it is given. */
  note(found: {
    readonly point: string
    readonly what: readonly string[]
    readonly keep: (kept: string) => void
  }): void {
    const { point, what } = found
    if (what.length === 0) return
    const kept = join(this.#keep, `${this.#unit}-${this.#findings.length + 1}`)
    found.keep(kept)
    this.#findings.push({ unit: this.#unit, point, what, kept })
  }
}

const RECURSIVE = { recursive: true, force: true } as const
