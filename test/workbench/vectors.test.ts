import { readdirSync } from 'node:fs'
import t from 'tap'
import { runVector } from '../../gateway/workbench/vectors/run-vectors.js'
import { readVectors, type Vector } from '../../gateway/workbench/vectors/vector.js'

/** Cases of licensed sources, in the repository. */
const FIXTURES = 'test/fixtures/vectors'

const STABLE: Vector = {
  name: 'stable',
  source: 'constructed',
  protocol: 'toledo-8217',
  direction: 'scale->host',
  hex: '0230302e3733350d',
  expect: { kind: 'weight', weight: '0.735' },
}

t.test('every vector decodes as its source says', async t => {
  const files = readdirSync(FIXTURES).filter(name => name.endsWith('.json'))
  t.ok(files.length > 0, `${files.length} files`)
  for (const file of files) {
    const vectors = await readVectors(`${FIXTURES}/${file}`)
    if (!vectors.ok) throw new Error(vectors.error)
    const failed = vectors.value.map(runVector).filter(({ failures }) => failures.length > 0)
    t.strictSame(failed, [], `${file}: ${vectors.value.length} vectors`)
  }
})

t.test('a key that differs, one that is missing and an unknown protocol fail', async t => {
  t.strictSame(runVector(STABLE).failures, [])
  const wrong = runVector({ ...STABLE, expect: { weight: '0.736', motion: true } })
  t.match(wrong.failures, [/weight: expected "0.736", found "0.735"/, /motion: expected true/])
  t.match(runVector({ ...STABLE, protocol: 'morse' }).failures, [/no decoder/])
})

t.test('a file that is none says so', async t => {
  const folder = t.testdir({ 'broken.json': '[{]', 'other.json': '[{"name":"a"}]' })
  t.match(await readVectors(`${folder}/broken.json`), { ok: false, error: /JSON array/ })
  t.match(await readVectors(`${folder}/other.json`), { ok: false, error: /0.protocol/ })
  t.match(await readVectors(`${folder}/absent.json`), { ok: false, error: /write the path/ })
})
