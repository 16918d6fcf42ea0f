import { cpSync } from 'node:fs'
import t, { type Test } from 'tap'
import { newRandom } from '../support/sample.js'
import { DAMAGES, MANY_BITS } from './damages.js'
import { checkRecovered, type Outcome, type Shop, sellThrough } from './recovered.js'
import { checkRecoveredApart } from './recovered-apart.js'

t.setTimeout(600_000)

let template: Shop

t.before(async () => {
  template = await sellThrough(t.testdir(), { epochs: 4, sales: 500 })
})

/** A copy of the shop, which a test may break. */
function shopFor(t: Test): Shop {
  const dataDir = t.testdir()
  cpSync(template.dataDir, dataDir, { recursive: true })
  return { ...template, dataDir }
}

const table: string[] = []

function note(name: string, { kept, lost, gaps }: Outcome): void {
  table.push(`| ${name} | ${kept} | ${lost} | ${gaps.length} |`)
}

for (const [name, [damage, most]] of Object.entries(DAMAGES))
  t.test(name, async t => {
    const random = newRandom(t)
    const shop = shopFor(t)
    damage(shop.dataDir, random)
    const check = name === MANY_BITS ? checkRecoveredApart : checkRecovered
    const outcome = await check(t, shop)
    t.ok(outcome.lost <= most, `${outcome.lost} lost`)
    note(name, outcome)
  })

t.teardown(() => process.stdout.write(`${table.map(row => `# ${row}\n`).join('')}`))
