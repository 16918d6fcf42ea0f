import { parseArgs } from 'node:util'
import { DirectWorld } from './direct-world.js'
import { hunt } from './mutation-hunt.js'
import { MUTATIONS } from './mutations.js'
import { World } from './world.js'

const HUNTS = 9
const HUNTED_SEEDS = 300

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    first: { type: 'string', default: '1' },
    /** Hunts each mutation several times instead, from other seeds on. */
    mutations: { type: 'boolean', default: false },
  },
})
const first = Number(values.first)
if (values.mutations) await huntAll()
else await simulate(Number(values.seeds))

async function simulate(count: number): Promise<void> {
  const began = process.hrtime.bigint()
  const totals = { steps: 0, sales: 0, faults: 0, destroyed: 0, failed: 0 }
  for (let seed = first; seed < first + count; seed += 1) {
    for (const [profile, world] of [
      ['ledger', new World(seed)],
      ['direct', new DirectWorld(seed)],
    ] as const) {
      const outcome = await world.run().catch(thrown => {
        const text = thrown instanceof Error ? thrown.message : thrown
        process.stdout.write(`seed ${seed}, ${profile}: ${text}\n`)
        return { steps: world.steps, sales: 0, faults: 0, destroyed: 0, failed: 1 }
      })
      for (const [name, value] of Object.entries(outcome))
        Object.assign(totals, { [name]: Number(Reflect.get(totals, name)) + value })
    }
  }
  const seconds = Number(process.hrtime.bigint() - began) / 1e9
  const rate = Math.round(totals.steps / seconds)
  const text = `${JSON.stringify(totals)}, ${rate} steps a second`
  process.stdout.write(`seeds ${first} to ${first + count - 1}: ${text}\n`)
  process.exitCode = totals.failed === 0 ? 0 : 1
}

async function huntAll(): Promise<void> {
  for (const [name, mutation] of Object.entries(MUTATIONS)) {
    const hunts = []
    for (let index = 0; index < HUNTS; index += 1)
      hunts.push(await hunt(mutation, { first: first + index * 1000, seeds: HUNTED_SEEDS }))
    const found = hunts.filter(({ violation }) => violation !== undefined)
    const [steps, seeds] = [
      median(found.map(one => one.steps)),
      median(found.map(one => one.seeds)),
    ]
    const text = `found in ${found.length} of ${HUNTS}, median ${steps} steps, ${seeds} seeds`
    process.stdout.write(`${name}: ${text}; ${found[0]?.violation}\n`)
    if (found.length < HUNTS) process.exitCode = 1
  }
}

function median(values: readonly number[]): number | undefined {
  return [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)]
}
