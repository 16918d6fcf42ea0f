import t from 'tap'
import {
  type Claim,
  Claims,
  readClaims,
  releaseClaims,
  storeClaim,
} from '../../gateway/core/claims.js'
import { openDatabase } from '../../gateway/core/database.js'
import { seal, unseal } from '../../gateway/core/sealed.js'
import { SerialQueue } from '../../gateway/core/serial-queue.js'

const claim = (key: string, content: number) => ({
  key: Buffer.from(key),
  digest: content.toString(16).padStart(64, '0'),
})

t.test('claims are remembered until their own content lets go of them', async t => {
  const opened = await openDatabase(t.testdir())
  if (!opened.ok) throw new Error(opened.error.message)
  const database = opened.value
  t.teardown(() => database.close())
  const [first, second, third] = [claim('k', 1), claim('k', 2), claim('k', 3)]
  const place = (text: string) => ({ place: Buffer.from(text) })
  const load = async (known: readonly Claim[]) => new Claims(await readClaims(database, known))
  const claims = await load([first, second])
  t.same(claims.judge(first), { type: 'new' })
  const held = [storeClaim(claims.hold(first), Buffer.from('a'))]
  t.same(claims.judge(first), { type: 'duplicate' }, 'at once')
  t.same(claims.judge(second), { type: 'conflict', firstDigest: first.digest })
  held.push(storeClaim(claims.hold(second), Buffer.from('b')))
  t.same(claims.judge(second), { type: 'duplicate' }, 'at once, too')
  await database.batch(held, { sync: false })
  const later = await load([first, second, third])
  t.same(
    [first, second, third].map(each => later.judge(each).type),
    ['duplicate', 'duplicate', 'conflict'],
  )
  const others = [first, second, third].map(each => ({ ...each, ...place('x') }))
  t.same(await releaseClaims(database, others), [], 'another place holds them')
  const own = [
    { ...first, ...place('a') },
    { ...second, ...place('b') },
  ]
  await database.batch([...(await releaseClaims(database, own))], { sync: false })
  const after = await load([first, second])
  t.same(
    [first, second].map(each => after.judge(each).type),
    ['new', 'new'],
  )
})

t.test('a sealed value shows any byte that changed', async t => {
  const sealed = seal(Buffer.from('what was known'))
  t.same(Buffer.from(unseal(sealed) ?? []).toString(), 'what was known')
  for (let at = 0; at < sealed.length; at += 1)
    t.equal(unseal(sealed.map((byte, index) => (index === at ? byte ^ 1 : byte))), undefined)
  t.equal(unseal(sealed.subarray(1)), undefined)
  t.equal(unseal(Buffer.from('')), undefined)
})

t.test('queued tasks run one by one, also behind one that failed', async t => {
  const queue = new SerialQueue()
  const seen: string[] = []
  const task = (name: string) => async () => {
    seen.push(`${name} begins`)
    await Promise.resolve()
    seen.push(`${name} ends`)
    if (name === 'b') throw new Error('b')
    return name
  }
  const results = await Promise.allSettled(['a', 'b', 'c'].map(name => queue.run(task(name))))
  t.same(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
  t.same(
    seen,
    ['a', 'b', 'c'].flatMap(name => [`${name} begins`, `${name} ends`]),
  )
})
