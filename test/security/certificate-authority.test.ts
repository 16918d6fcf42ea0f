import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { systemRandom } from '../../gateway/core/random.js'
import { openAuthority } from '../../gateway/security/certificate-authority.js'
import {
  checkCertificate,
  isProven,
  newTlsKey,
  readCertificate,
  tlsKeyOf,
} from '../../gateway/security/client-certificate.js'
import { signingKeyOf } from '../../gateway/security/signature.js'
import { makeStoresAuthority } from '../support/stores-authority.js'

const NOW_MS = Date.now()
const HOUR_MS = 3600 * 1000

t.test('OpenSSL takes what it issues, and knows what it revoked', async t => {
  const made = makeStoresAuthority(t)
  const authority = openAuthority({ ...made, random: systemRandom })
  const key = newTlsKey()
  const subject = { name: 'store-001', publicKey: Buffer.from(key.publicKey, 'base64url') }
  const times = { validFromMs: NOW_MS - HOUR_MS, validToMs: Date.parse('2060-01-02T03:04:05Z') }
  const [first, second] = [1, 2].map(() => authority.issue({ ...subject, ...times }))
  if (first === undefined || second === undefined) throw new Error('nothing was issued')
  t.not(first.serial, second.serial)
  t.match(readCertificate(`${key.pem}${first.pem}`), {
    name: 'store-001',
    serial: first.serial,
    validFromMs: times.validFromMs - (times.validFromMs % 1000),
    validToMs: times.validToMs,
  })
  const untilMs = NOW_MS + HOUR_MS
  const file = (name: string, text: string): string => {
    const path = join(made.folder, name)
    writeFileSync(path, text)
    return path
  }
  const verify = (pem: string, revoked: readonly string[]): string => {
    const entries = revoked.map(serial => ({ serial, revokedMs: NOW_MS }))
    const list = authority.revocationList({ revoked: entries, atMs: NOW_MS, untilMs })
    const trust = ['-CAfile', file('ca.pem', made.certificate), '-purpose', 'sslclient']
    const crl = ['-crl_check', '-CRLfile', file('crl.pem', list)]
    const args = ['verify', ...trust, ...crl, file('cert.pem', pem)]
    const { stdout, stderr } = spawnSync('openssl', args, { encoding: 'utf8' })
    return stdout + stderr
  }
  t.match(verify(first.pem, []), /cert\.pem: OK/)
  t.match(verify(first.pem, [second.serial]), /cert\.pem: OK/)
  t.match(verify(first.pem, [second.serial, first.serial]), /certificate revoked/)
})

t.test('a certificate counts for its name, its key and its authority alone', async t => {
  const made = makeStoresAuthority(t)
  const authority = openAuthority({ ...made, random: systemRandom })
  const [key, other] = [newTlsKey(), tlsKeyOf(newTlsKey().pem)]
  const { pem } = authority.issue({
    name: 'store-001',
    publicKey: Buffer.from(key.publicKey, 'base64url'),
    validFromMs: NOW_MS,
    validToMs: NOW_MS + HOUR_MS,
  })
  const right = {
    certificate: pem,
    authority: made.certificate,
    name: 'store-001',
    key: key.pem,
  }
  t.ok(checkCertificate(right).ok)
  const wrong = [
    { name: 'store-002' },
    { key: other.pem },
    { authority: makeStoresAuthority(t).certificate },
    { certificate: made.certificate },
    { certificate: 'none' },
  ]
  for (const part of wrong) t.notOk(checkCertificate({ ...right, ...part }).ok)
})

t.test('who has a key for TLS can show it, for one text; another kind of key is none', async t => {
  const [key, other] = [newTlsKey(), newTlsKey()]
  const said = { publicKey: key.publicKey, text: 'it is me', proof: key.prove('it is me') }
  t.ok(isProven(said))
  t.notOk(isProven({ ...said, text: 'it is you' }))
  t.notOk(isProven({ ...said, publicKey: other.publicKey }))
  t.notOk(isProven({ ...said, publicKey: 'AAAA' }))
  t.throws(() => tlsKeyOf(signingKeyOf(Buffer.alloc(32, 1)).toPem()))
})

t.test('an authority must be one, and have its key', async t => {
  const [one, other] = [makeStoresAuthority(t), makeStoresAuthority(t)]
  const random = systemRandom
  t.throws(() => openAuthority({ certificate: one.certificate, key: other.key, random }))
  const { certificate, key } = one
  const leaf = newTlsKey()
  const { pem } = openAuthority({ certificate, key, random }).issue({
    name: 'store-001',
    publicKey: Buffer.from(leaf.publicKey, 'base64url'),
    validFromMs: NOW_MS,
    validToMs: NOW_MS + HOUR_MS,
  })
  t.throws(() => openAuthority({ certificate: pem, key: leaf.pem, random }), /no authority/)
})
