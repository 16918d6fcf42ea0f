import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { systemRandom } from '../../gateway/core/random.js'
import { openKeyedDigest } from '../../gateway/security/keyed-digest.js'

const BYTES = Buffer.from('a frame')

t.test('one key a data directory, for its owner alone', async t => {
  const directory = t.testdir({ other: {} })
  const digest = await openKeyedDigest(directory, systemRandom)
  const again = await openKeyedDigest(directory, systemRandom)
  const other = await openKeyedDigest(join(directory, 'other'), systemRandom)
  t.match(digest(BYTES), /^[0-9a-f]{64}$/)
  t.equal(again(BYTES), digest(BYTES), 'the same after a restart')
  t.not(other(BYTES), digest(BYTES), 'another in another shop')
  t.not(digest(Buffer.from('a framf')), digest(BYTES))
  t.equal(statSync(join(directory, 'frame-digest.key')).mode & 0o777, 0o600)
})

t.test('a key that was cut off, and one that cannot be kept, stop nothing', async t => {
  const directory = t.testdir({ 'frame-digest.key': 'short' })
  await openKeyedDigest(directory, systemRandom)
  t.equal(readFileSync(join(directory, 'frame-digest.key')).length, 32, 'made anew')
  writeFileSync(join(directory, 'file'), '')
  const digest = await openKeyedDigest(join(directory, 'file'), systemRandom)
  t.match(digest(BYTES), /^[0-9a-f]{64}$/)
})
