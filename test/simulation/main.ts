import { parseArgs } from 'node:util'
import { World } from './world.js'

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '1000' }, first: { type: 'string', default: '1' } },
})
const first = Number(values.first)
const count = Number(values.seeds)
const totals = { steps: 0, sales: 0, faults: 0, destroyed: 0, failed: 0 }
for (let seed = first; seed < first + count; seed += 1) {
  try {
    const { steps, sales, faults, destroyed } = await new World(seed).run()
    totals.steps += steps
    totals.sales += sales
    totals.faults += faults
    totals.destroyed += destroyed
  } catch (thrown) {
    totals.failed += 1
    process.stdout.write(`seed ${seed}: ${thrown instanceof Error ? thrown.message : thrown}\n`)
  }
}
process.stdout.write(`seeds ${first} to ${first + count - 1}: ${JSON.stringify(totals)}\n`)
process.exitCode = totals.failed === 0 ? 0 : 1
