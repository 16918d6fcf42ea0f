import t from 'tap'
import { Violation } from './invariants.js'
import { MUTATIONS, type Mutation } from './mutations.js'
import { type Outcome, World } from './world.js'

const SEEDS = 20
/** Seeds within which a mutation must have been found out. */
const MUTANT_SEEDS = 300

t.setTimeout(60_000)

t.test('whatever the seed does, every acknowledged sale stands in the ledger once', async t => {
  const outcomes: Outcome[] = []
  const first = firstSeed(t)
  for (let seed = first; seed < first + SEEDS; seed += 1)
    outcomes.push(await new World(seed).run().catch(thrown => rethrow(seed, thrown)))
  const sum = (of: (outcome: Outcome) => number): number =>
    outcomes.reduce((total, outcome) => total + of(outcome), 0)
  const [steps, sales, faults] = [sum(o => o.steps), sum(o => o.sales), sum(o => o.faults)]
  t.comment(`${SEEDS} seeds from ${first}: ${steps} steps, ${sales} sales, ${faults} faults`)
  t.ok(sales > SEEDS && faults > SEEDS, 'something was sold, and something went wrong')
})

t.test('a seed repeats itself', async t => {
  const seed = firstSeed(t)
  t.strictSame(await new World(seed).run(), await new World(seed).run())
})

for (const [name, mutation] of Object.entries(MUTATIONS))
  t.test(`${name}: found out`, async t => {
    const found = await firstViolation(1, mutation)
    t.ok(found, found ?? 'it went unnoticed')
  })

/** Seeds follow one another from here: `TEST_SEED` repeats them. */
function firstSeed(t: { comment(text: string): void }): number {
  const { TEST_SEED = String(Date.now()) } = process.env
  t.comment(`TEST_SEED=${TEST_SEED}`)
  return Number(TEST_SEED)
}

async function firstViolation(first: number, mutation: Mutation): Promise<string | undefined> {
  for (let seed = first; seed < first + MUTANT_SEEDS; seed += 1) {
    try {
      await new World(seed, { seams: mutation.seams(), climate: mutation.climate }).run()
    } catch (thrown) {
      if (thrown instanceof Violation) return `seed ${seed}: ${thrown.message}`
      rethrow(seed, thrown)
    }
  }
  return undefined
}

function rethrow(seed: number, thrown: unknown): never {
  throw new Error(`TEST_SEED=${seed}: ${thrown instanceof Error ? thrown.message : thrown}`, {
    cause: thrown,
  })
}
