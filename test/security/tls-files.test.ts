import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { checkTlsFiles } from '../../gateway/security/tls-files.js'
import { makeAuthority } from '../support/certificates.js'

const DAY_MS = 24 * 3600 * 1000

t.test('the files of hq.tls are read before there is a connection', async t => {
  const authority = makeAuthority()
  const [own, other] = ['store-001', 'store-002'].map(name => authority.issue({ name }))
  const folder = t.testdir({})
  const file = (name: string, text = ''): string => {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }
  const nowMs = Date.now()
  const right = {
    caFile: file('ca.pem', authority.ca),
    certFile: file('cert.pem', own?.cert),
    keyFile: file('key.pem', own?.key),
  }
  t.match(checkTlsFiles(right, nowMs), { faults: [], certificate: { name: 'CN=store-001' } })
  t.same(checkTlsFiles({}, nowMs), { faults: [] })
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ caFile: join(folder, 'none.pem') }, /^caFile: .*ENOENT/],
    [{ caFile: file('empty.pem') }, /^caFile: expected/],
    [{ certFile: right.keyFile }, /^certFile: expected/],
    [{ keyFile: file('other.pem', other?.key) }, /^keyFile: expected the key of certFile/],
  ]
  for (const [part, fault] of wrong)
    t.match(checkTlsFiles({ ...right, ...part }, nowMs).faults, [fault])
  t.match(checkTlsFiles(right, nowMs + 9 * DAY_MS).faults, [/^certFile: it was valid until/])
  t.match(checkTlsFiles(right, nowMs - DAY_MS).faults, [/^certFile: it is valid from .* clock/])
  const both = file('both.pem', `${own?.key}${own?.cert}`)
  t.same(checkTlsFiles({ certFile: both, keyFile: both }, nowMs).faults, [], 'in one file')
})
