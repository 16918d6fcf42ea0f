import { cpSync, rmSync } from 'node:fs'
import { parseArgs } from 'node:util'
import t from 'tap'
import { seededRandom } from '../../gateway/core/random.js'
import { DAMAGES, damage, MANY_BITS } from './damages.js'
import { sellThrough } from './recovered.js'
import { checkRecoveredApart } from './recovered-apart.js'

/* `npm run flips -- --first 0 --seeds 40`: what is kept of tables in which twelve bits flipped. */
const { values } = parseArgs({
  options: { first: { type: 'string', default: '0' }, seeds: { type: 'string', default: '40' } },
})
const first = Number(values.first)
const template = await sellThrough(t.testdir(), { epochs: 4, sales: 500 })

t.setTimeout(0)
for (let seed = first; seed < first + Number(values.seeds); seed += 1)
  t.test(`seed ${seed}`, async t => {
    const dataDir = t.testdir()
    cpSync(template.dataDir, dataDir, { recursive: true })
    damage(MANY_BITS, dataDir, seededRandom(seed))
    const { kept, lost, isAborted } = await checkRecoveredApart(t, { ...template, dataDir })
    const most = DAMAGES[MANY_BITS]?.[1] ?? 0
    t.ok(lost <= most, `${kept} kept, ${lost} lost${isAborted ? ', aborted once' : ''}`)
    rmSync(`${dataDir}.shop`)
    rmSync(`${dataDir}.shop.outcome`)
  })
