/** Something that must not be, and where it is kept to be looked at. */
export interface Finding {
  readonly unit: number
  /** Which point of the unit, in words. */
  readonly point: string
  readonly what: readonly string[]
  readonly kept: string
}

/** What one shop, disk or recording went through: the step in which torture goes on and resumes. */
export interface UnitResult {
  /** Kills, cuts or states that were judged. */
  readonly points: number
  readonly counts: Readonly<Record<string, number>>
  readonly findings: readonly Finding[]
}

/** Counts under names, to be added up over units. */
export class Tally {
  readonly #counts = new Map<string, number>()

  add(name: string, count = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + count)
  }

  of(name: string): number {
    return this.#counts.get(name) ?? 0
  }

  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].sort(([left], [right]) => (left < right ? -1 : 1)))
  }
}
