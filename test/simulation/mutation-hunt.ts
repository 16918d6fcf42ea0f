import { Violation } from './invariants.js'
import type { Mutation } from './mutations.js'
import { World } from './world.js'

export interface Hunt {
  /** What gave the mutation away; nothing where it went unnoticed. */
  readonly violation: string | undefined
  /** Until then, over all seeds. */
  readonly steps: number
  readonly seeds: number
}

/** Runs seed after seed until an invariant breaks. */
export async function hunt(
  mutation: Mutation,
  range: { readonly first: number; readonly seeds: number },
): Promise<Hunt> {
  const { first, seeds } = range
  const { climate } = mutation
  let steps = 0
  for (let seed = first; seed < first + seeds; seed += 1) {
    const world = new World(seed, { seams: mutation.seams(), climate })
    try {
      await world.run()
    } catch (thrown) {
      if (!(thrown instanceof Violation)) throw thrown
      const violation = `seed ${seed}: ${thrown.message}`
      return { violation, steps: steps + world.steps, seeds: seed - first + 1 }
    }
    steps += world.steps
  }
  return { violation: undefined, steps, seeds }
}
