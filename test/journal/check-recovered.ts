// A program: `checkRecovered` of the shop that a file tells of, in a process that LevelDB may abort.
import { readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { checkRecovered, type Shop } from './recovered.js'

const [, , path = '', life = 'first'] = process.argv
// Written by the test that runs this, of the same build.
const shop: Shop = JSON.parse(readFileSync(path, 'utf8'), (key, value) =>
  ['acknowledged', 'ids'].includes(key) ? new Map(value) : value,
)

t.setTimeout(0)
t.test('recovered', async t => {
  writeFileSync(
    `${path}.outcome`,
    JSON.stringify(await checkRecovered(t, shop, { wasAborted: life === 'second' })),
  )
})
