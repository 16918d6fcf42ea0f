import t from 'tap'
import { readFleet } from '../../gateway/config/fleet.js'
import { makeAuthority } from '../support/certificates.js'

const KEY = '0123456789abcdef'.repeat(4)
const FLEET = {
  TILLBRIDGE_HQ_URL: 'mqtts://hq.example:8884',
  TILLBRIDGE_FLEET_PASSWORD: 'secret',
  TILLBRIDGE_HQ_KEYS: KEY,
}

t.test('without a fleet’s credential a gateway is set up by hand', async t => {
  t.same(readFleet({ TILLBRIDGE_HQ_URL: 'mqtt://127.0.0.1' }), { ok: true, value: undefined })
  t.same(readFleet({ ...FLEET, TILLBRIDGE_FLEET_PASSWORD: '' }), { ok: true, value: undefined })
})

t.test('what a fleet says, and what it leaves out', async t => {
  t.match(readFleet(FLEET), {
    ok: true,
    value: { url: 'mqtts://hq.example:8884', username: 'enrol', keys: [KEY], store: undefined },
  })
  const { ca } = makeAuthority()
  for (const text of [ca, Buffer.from(ca).toString('base64'), ca.replaceAll('\n', '\\n')])
    t.match(readFleet({ ...FLEET, TILLBRIDGE_HQ_CA: text }), { ok: true, value: { ca } })
  const device = { TILLBRIDGE_STORE_ID: 'store-001', TILLBRIDGE_FLEET_URL: 'mqtts://hq.example' }
  t.match(readFleet({ ...FLEET, ...device, TILLBRIDGE_HQ_KEYS: `${KEY}, ${'f'.repeat(64)}` }), {
    ok: true,
    value: { url: 'mqtts://hq.example', store: 'store-001', keys: [KEY, 'f'.repeat(64)] },
  })
})

t.test('each fault names its variable', async t => {
  const faults: readonly (readonly [object, RegExp])[] = [
    [{ TILLBRIDGE_HQ_URL: 'mqtt://hq.example' }, /^TILLBRIDGE_HQ_URL: .*TLS/],
    [{ TILLBRIDGE_FLEET_URL: 'hq.example' }, /^TILLBRIDGE_FLEET_URL/],
    [{ TILLBRIDGE_HQ_KEYS: '' }, /^TILLBRIDGE_HQ_KEYS/],
    [{ TILLBRIDGE_HQ_KEYS: `${KEY} ${KEY} ${KEY}` }, /^TILLBRIDGE_HQ_KEYS/],
    [{ TILLBRIDGE_HQ_CA: 'none' }, /^TILLBRIDGE_HQ_CA/],
    [{ TILLBRIDGE_STORE_ID: 'enrol' }, /^TILLBRIDGE_STORE_ID/],
    [{ TILLBRIDGE_STORE_ID: 'listener' }, /^TILLBRIDGE_STORE_ID: .*listener, which HQ uses/],
    [{ TILLBRIDGE_ACTIVATION_CODE: 'x' }, /^TILLBRIDGE_ACTIVATION_CODE/],
  ]
  for (const [part, fault] of faults)
    t.match(readFleet({ ...FLEET, ...part }), { ok: false, error: [fault] })
})
