import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { judge, mend, type Verdict } from './judge.js'
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

  /** Judges a copy of the journal in this directory; gives whether the journal itself can go on. */
  async judgeCopy(options: {
    readonly directory: string
    readonly journal: string
    readonly evidence: Evidence
    readonly point: string
  }): Promise<boolean> {
    const { directory, journal, evidence, point } = options
    const copy = join(directory, 'copy')
    rmSync(copy, { recursive: true, force: true })
    cpSync(journal, copy, { recursive: true })
    const verdict = await judge(copy, evidence)
    this.count(verdict)
    this.note({ point, what: verdict.findings, keep: kept => cpSync(directory, kept, RECURSIVE) })
    return mend(journal, verdict)
  }

  /** One more point was looked at. */
  count(verdict: Verdict): void {
    this.#points += 1
    this.tally.add('acknowledged sales looked for', verdict.acknowledged)
    this.tally.add('records verified', verdict.records)
    if (verdict.gaps > 0) this.tally.add('gaps named')
    if (verdict.refusal === undefined) return
    const { reason, isMended } = verdict.refusal
    this.tally.add(`${isMended ? 'opened after a repair' : 'shut, also after a repair'}: ${reason}`)
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

const RECURSIVE = { recursive: true } as const
