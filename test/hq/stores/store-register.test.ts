import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { storeId } from '../../../gateway/core/ids.js'
import { systemRandom } from '../../../gateway/core/random.js'
import { deviceWith } from '../../../gateway/enrol/device.js'
import { readRequest } from '../../../gateway/hq/stores/statements.js'
import { currentGateway } from '../../../gateway/hq/stores/store-entry.js'
import { newTlsKey, readCertificate } from '../../../gateway/security/client-certificate.js'
import { signJws } from '../../../gateway/security/jws.js'
import { signingKeyOf } from '../../../gateway/security/signature.js'
import { STORE } from '../../support/sample.js'
import { applicant, makeStoresAuthority, openRegister } from '../../support/stores-authority.js'

/** Serial numbers in a list of revoked certificates, as OpenSSL reads it. */
function revokedIn(crl: string): readonly string[] {
  const { stdout } = spawnSync('openssl', ['crl', '-noout', '-text'], {
    input: crl,
    encoding: 'utf8',
  })
  return [...stdout.matchAll(/Serial Number: ([0-9A-F]+)/g)].map(([, serial = '']) => serial)
}

t.test('a request counts that its own keys signed', async t => {
  const { device, said } = applicant()
  const stranger = deviceWith(signingKeyOf(systemRandom.bytes(32)))
  const other = newTlsKey()
  const wrong = [
    JSON.stringify(said),
    stranger.sign(said),
    device.sign({ ...said, device: stranger.id }),
    stranger.sign({ ...said, publicKey: stranger.publicKey }),
    device.sign({ ...said, tlsKey: other.publicKey }),
    device.sign({ ...said, store: 'hq' }),
    device.sign({ ...said, store: 'listener' }),
    device.sign({ ...said, more: 1 }),
    signJws('x'.repeat(5000), signingKeyOf(Buffer.alloc(32, 1))),
    '',
  ]
  for (const jws of wrong) t.notOk(readRequest(Buffer.from(jws)).ok, jws.slice(0, 20))
})

t.test('approved twice it is one certificate; another gateway takes its place', async t => {
  const { folder, certificate: authority } = makeStoresAuthority(t)
  const register = await openRegister(folder)
  const [first, second] = [applicant(), applicant()]
  const pem = await register.approve(first.request, STORE)
  t.equal(await register.approve(first.request, STORE), pem, 'the answer was lost')
  t.match(readCertificate(pem), { name: STORE })

  await register.approve(second.request, STORE)
  const entry = await (await openRegister(folder)).find(STORE)
  t.equal(currentGateway(entry)?.device, second.device.id)
  t.match(entry.gateways[0], { device: first.device.id, ended: { why: 'replaced' } })
  const file = join(folder, 'cert.pem')
  const revoked = (text: string): boolean => {
    writeFileSync(file, text)
    const trust = ['-CAfile', join(folder, 'public/authority.pem')]
    const crl = ['-crl_check', '-CRLfile', register.revocations]
    const { stdout, stderr } = spawnSync('openssl', ['verify', ...trust, ...crl, file])
    return /revoked/.test(`${stdout}${stderr}`)
  }
  t.ok(revoked(pem), 'its certificate is revoked')
  const newest = entry.certificates.at(-1)?.pem ?? ''
  t.notOk(revoked(newest), 'and no other')
  t.equal(register.certificate, authority)

  const note = { v: 1, store: STORE, serial: 'AA', software: '0.1.0' } as const
  const renewalOf = (it: ReturnType<typeof applicant>) => {
    const { device, publicKey, tlsKey, tlsProof } = it.request
    return { ...note, device, publicKey, renewal: { tlsKey, tlsProof } }
  }
  const refused = { ok: false, error: /is not that of store-001/ }
  t.match(await register.renew(renewalOf(first)), refused, 'the replaced one gets none')
  t.match(await register.renew(renewalOf(second)), { ok: true })
  await register.retire(STORE)
  t.match(await register.renew(renewalOf(second)), refused)
  t.ok(revoked(newest))
  t.ok(await register.approve(second.request, STORE), 'it may open again')
})

t.test('a crash before the list of revoked ones was written is made good', async t => {
  const { folder } = makeStoresAuthority(t)
  const register = await openRegister(folder)
  await register.approve(applicant().request, STORE)
  await register.publishRevocations()
  const before = readFileSync(register.revocations)
  await register.retire(STORE)
  const after = revokedIn(readFileSync(register.revocations, 'utf8'))
  t.equal(after.length, 1)
  writeFileSync(register.revocations, before)
  t.same(revokedIn(readFileSync(register.revocations, 'utf8')), [])
  await register.publishRevocations()
  t.same(revokedIn(readFileSync(register.revocations, 'utf8')), after)

  const heir = applicant().request
  await register.approve(heir, STORE)
  writeFileSync(register.revocations, before)
  await register.approve(heir, STORE)
  t.same(revokedIn(readFileSync(register.revocations, 'utf8')), after, 'and by who says it again')
})

t.test('several work on it at once, and nothing is lost', async t => {
  const { folder } = makeStoresAuthority(t)
  const registers = await Promise.all([openRegister(folder), openRegister(folder)])
  const stores = Array.from({ length: 6 }, (_, index) => storeId(`store-${index}`))
  await Promise.all(
    stores.map((store, index) => registers[index % 2]?.approve(applicant().request, store)),
  )
  const [one] = registers
  t.same(
    (await one?.stores())?.map(({ store }) => store),
    stores,
  )
})

t.test('without its authority, or with a damaged entry, it says so', async t => {
  const { folder } = makeStoresAuthority(t)
  await t.rejects(openRegister(t.testdir()), { code: 'TB_ENROL_AUTHORITY' })
  const register = await openRegister(folder)
  writeFileSync(join(folder, 'stores', `${STORE}.json`), '{"v":1,')
  await t.rejects(register.find(STORE), { code: 'TB_ENROL_AUTHORITY' })
})
