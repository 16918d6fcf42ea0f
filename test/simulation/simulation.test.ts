import t from 'tap'
import { DirectWorld } from './direct-world.js'
import { hunt } from './mutation-hunt.js'
import { MUTATIONS } from './mutations.js'
import { type Outcome, World } from './world.js'

const SEEDS = 8
/** Seeds within which a mutation must have been found out. */
const MUTANT_SEEDS = 300

t.setTimeout(600_000)

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

t.test(
  'in direct mode each sale reaches the broker, and a repeat shows that it is one',
  async t => {
    const first = firstSeed(t)
    let sales = 0
    for (let seed = first; seed < first + SEEDS; seed += 1)
      sales += (await new DirectWorld(seed).run().catch(thrown => rethrow(seed, thrown))).sales
    t.ok(sales > SEEDS)
  },
)

t.test('a seed repeats itself', async t => {
  const seed = firstSeed(t)
  t.strictSame(await new World(seed).run(), await new World(seed).run())
})

for (const [name, mutation] of Object.entries(MUTATIONS))
  t.test(`${name}: found out`, async t => {
    const { violation, steps, seeds } = await hunt(mutation, { first: 1, seeds: MUTANT_SEEDS })
    t.ok(violation, `after ${steps} steps of ${seeds} seeds: ${violation ?? 'nothing'}`)
  })

/** Seeds follow one another from here: `TEST_SEED` repeats them. */
function firstSeed(t: { comment(text: string): void }): number {
  const { TEST_SEED = String(Date.now()) } = process.env
  t.comment(`TEST_SEED=${TEST_SEED}`)
  return Number(TEST_SEED)
}

function rethrow(seed: number, thrown: unknown): never {
  throw new Error(`TEST_SEED=${seed}: ${thrown instanceof Error ? thrown.message : thrown}`, {
    cause: thrown,
  })
}
