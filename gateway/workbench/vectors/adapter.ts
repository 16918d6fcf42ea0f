import type { Vector } from './vector.js'

/** What was decoded, in the words of the vectors' `expect`. More keys than these do not matter. */
export type Observed = Readonly<Record<string, unknown>>

/**
 * Says what our decoders make of a vector's bytes, through the path that `run` uses. It never looks
 * at `expect`: a decoder that is told the answer proves nothing. Several where bytes alone admit
 * several readings (a status byte does not say what it answers).
 */
export type Adapter = (
  vector: Omit<Vector, 'expect' | 'name' | 'source'> & {
    /** What the one who asks knows beside the bytes; see `GIVEN` in catalog.ts. */
    readonly given: Readonly<Record<string, string>>
  },
) => Observed | readonly Observed[]

/** One value in all the ways in which sources write it: a time as `22:39:53` and as `223953`. */
export class Spellings {
  readonly all: readonly unknown[]

  constructor(...all: readonly unknown[]) {
    this.all = all
  }

  toJSON(): unknown {
    return this.all[0]
  }
}
