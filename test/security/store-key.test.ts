import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { systemRandom } from '../../gateway/core/random.js'
import { publicKeyFromPem } from '../../gateway/security/signature.js'
import { openStoreKey } from '../../gateway/security/store-key.js'

const open = (directory: string) => openStoreKey(directory, systemRandom)
const publicKeyIn = (directory: string) =>
  publicKeyFromPem(readFileSync(join(directory, 'store-key.pub.pem'), 'utf8'))

t.test('made at the first start, the same at the next, and only its user may read it', async t => {
  const directory = t.testdir()
  const first = await open(directory)
  t.match(first.made, /there was none/)
  t.equal(statSync(join(directory, 'store-key.pem')).mode & 0o777, 0o600)
  t.equal(publicKeyIn(directory), first.key.publicKey)
  rmSync(join(directory, 'store-key.pub.pem'))
  const again = await open(directory)
  t.equal(again.made, undefined)
  t.equal(again.key.publicKey, first.key.publicKey)
  t.equal(publicKeyIn(directory), first.key.publicKey, 'written again')
  t.same(readdirSync(directory).sort(), ['store-key.pem', 'store-key.pub.pem'])
})

t.test('a damaged one is put aside, each under a name of its own, and replaced', async t => {
  const directory = t.testdir()
  const path = join(directory, 'store-key.pem')
  const keys = [(await open(directory)).key.publicKey]
  const texts = [readFileSync(path, 'utf8').slice(0, 60), '', 'nonsense']
  for (const text of texts) {
    writeFileSync(path, text)
    const { key, made } = await open(directory)
    t.match(made, /damaged/)
    t.equal(publicKeyIn(directory), key.publicKey)
    keys.push(key.publicKey)
  }
  t.equal(new Set(keys).size, texts.length + 1)
  const aside = readdirSync(directory).filter(name => name.includes('damaged'))
  t.same(
    aside.map(name => readFileSync(join(directory, name), 'utf8')).sort(),
    texts.toSorted(),
    'nothing is lost',
  )
})

t.test('what an earlier start left half written is no hindrance', async t => {
  const directory = t.testdir({ 'store-key.pem.new': 'torn' })
  const { key } = await open(directory)
  t.equal((await open(directory)).key.publicKey, key.publicKey)
})

t.test('a folder that takes nothing is said to be so', async t => {
  const directory = t.testdir({ file: '' })
  await t.rejects(open(join(directory, 'file')), { code: 'TB_JOURNAL_WRITE', message: /file/ })
  if (process.getuid?.() === 0) return
  chmodSync(directory, 0o500)
  t.teardown(() => chmodSync(directory, 0o700))
  await t.rejects(open(directory), { code: 'TB_DATA_FORBIDDEN' })
})
