import t from 'tap'
import { systemRandom } from '../../gateway/core/random.js'
import { hashPassword, isPasswordHash, verifyPassword } from '../../gateway/security/password.js'

t.test('a hash knows its password and no other', async t => {
  const hash = await hashPassword('Käse 12', systemRandom)
  t.match(hash, /^scrypt\$32768\$8\$3\$/)
  t.ok(isPasswordHash(hash))
  t.ok(await verifyPassword('Käse 12', hash))
  t.ok(await verifyPassword('Käse 12'.normalize('NFD'), hash), 'however ä is typed')
  t.notOk(await verifyPassword('Käse 13', hash))
  t.notOk(await verifyPassword('', hash))
})

// RFC 7914 §12, the second test vector.
t.test('it is scrypt', async t => {
  const derived =
    'fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b37316' +
    '22eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640'
  const base64 = Buffer.from(derived, 'hex').toString('base64')
  const stored = `scrypt$1024$8$16$${Buffer.from('NaCl').toString('base64')}$${base64}`
  t.ok(await verifyPassword('password', stored))
})

t.test('what is no hash, or one that would take the machine, verifies nothing', async t => {
  const part = Buffer.alloc(32).toString('base64')
  for (const text of [
    '',
    'secret',
    `scrypt$32768$8$3$${part}$`,
    `scrypt$32767$8$3$${part}$${part}`,
    `scrypt$524288$8$99$${part}$${part}`,
  ]) {
    t.notOk(isPasswordHash(text), text.slice(0, 20))
    t.notOk(await verifyPassword('', text))
  }
})
