import { cpSync } from 'node:fs'
import { parseArgs } from 'node:util'
import t from 'tap'
import { seededRandom } from '../../gateway/core/random.js'
import { manyBitsFlip } from './damages.js'
import { checkRecovered, sellThrough } from './recovered.js'

/*
 * `npm run flips -- --first 0 --seeds 40`: what a recovery keeps of tables in which twelve bits
 * flipped. Not every seed passes (docs/reliability.md, What is not there yet), and one that makes
 * LevelDB abort ends the run: go on with `--first`.
 */
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
    manyBitsFlip(dataDir, seededRandom(seed))
    await checkRecovered(t, { ...template, dataDir })
  })
