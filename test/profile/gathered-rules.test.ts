import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { loadProfileFiles } from '../../gateway/profile/load.js'
import { BUILT_IN_PROFILES } from '../../gateway/profile/registry.js'

const FILE = join('tillbridge', 'ecr-parts.dialect.yaml')

const FAULTS: readonly (readonly [from: string, to: string, fault: RegExp])[] = [
  ['    last: end\n', '    last: ending\n', /gathered\.0\.last: .*a message with `part: sale`/],
  ['items: item,', 'items: tender,', /messages\.1\.part: expected one place for item/],
  ['part: sale\n\ngathered', 'part: void\n\ngathered', /messages\.3\.part: .*`gathered` void/],
  ['    number: line\n', '    number: plu\n', /gathered\.0\.number: expected an integer that item/],
  ['same: [receiptNumber]', 'same: [operator]', /gathered\.0\.same: .*one that item has, too/],
  ['sum: items.amount', 'sum: lines.amount', /gathered\.0\.checks\.0\.sum: .*items\.amount/],
  ['plu: $plu', 'plu: $sku', /gathered\.0\.event\.data\.lineItems\.row\.plu: expected a field/],
  ['cardData: false', 'cardData: true', /gathered: expected no card data in parts/],
  ['    part: sale\n\n  - name: tender', '    ignore: no\n\n  - name: tender', /rows\.items: /],
]

t.test('the parts of a message fit each other, or the dialect does not load', async t => {
  const text = await readFile(join(BUILT_IN_PROFILES, FILE), 'utf8')
  for (const [from, to, fault] of FAULTS) {
    if (!text.includes(from)) throw new RangeError(`no ${from} in ${FILE}`)
    const folder = t.testdir()
    await mkdir(join(folder, 'tillbridge'))
    await writeFile(join(folder, FILE), text.replace(from, to))
    const loaded = await loadProfileFiles([folder])
    t.match(loaded.ok ? 'it loaded' : loaded.error.join('\n'), fault, to)
  }
})
