import t, { type Test } from 'tap'
import { LIMITS } from '../../../gateway/core/limits.js'
import { currentCertificate } from '../../../gateway/hq/stores/store-entry.js'
import { newTlsKey } from '../../../gateway/security/client-certificate.js'
import { clockAhead } from '../../support/clock-ahead.js'
import { STORE } from '../../support/sample.js'
import { applicant, makeStoresAuthority, openRegister } from '../../support/stores-authority.js'

const DAY_MS = 24 * 3600 * 1000

/** A store whose certificate counts for 100 days, and HQ after some of them. */
async function openStore(t: Test) {
  const { folder } = makeStoresAuthority(t)
  const { device, request } = applicant()
  await (await openRegister(folder)).approve(request, STORE)
  return {
    device,
    after: (days: number) => openRegister(folder, { clock: clockAhead(days * DAY_MS) }),
    /** Asks for a certificate, each time with another key. */
    note: (serial: string) => ({
      ...{ v: 1 as const, store: STORE, device: device.id, publicKey: device.publicKey },
      ...{ serial, software: '0.1.0', renewal: device.claim(newTlsKey()) },
    }),
  }
}

t.test('who asks long before half of a life is over is refused', async t => {
  const { after, note } = await openStore(t)
  const early = await after(30)
  const { serial = '' } = currentCertificate(await early.find(STORE)) ?? {}
  t.match(await early.renew(note(serial)), { ok: false, error: /too early; see to the shop's/ })
  t.equal((await early.find(STORE)).certificates.length, 1)
  t.match(await (await after(51)).renew(note(serial)), { ok: true })
})

t.test('who asks again and again, with one key after the other, gets a few a day', async t => {
  const { after, note } = await openStore(t)
  const register = await after(60)
  const asked = note('AA')
  const first = await register.renew(asked)
  t.same(await register.renew(asked), first, 'the answer was lost: the same one')
  for (let more = 1; more < LIMITS.certificatesADay; more += 1)
    t.match(await register.renew(note('AA')), { ok: true })
  t.match(await register.renew(note('AA')), { ok: false, error: /in one day: .*retire it/ })
  t.same(await register.renew(asked), first, 'what was issued is said on')
  t.match(await (await after(61)).renew(note('AA')), { ok: true })
})

t.test('and no more than so many that count', async t => {
  const { after, note } = await openStore(t)
  for (let count = 1; count < LIMITS.certificatesAtOnce; count += 1)
    t.match(await (await after(60 + count)).renew(note('AA')), { ok: true })
  const register = await after(80)
  t.match(await register.renew(note('AA')), { ok: false, error: /has 10 that count: .*retire it/ })
})
