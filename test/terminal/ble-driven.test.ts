import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { resolveDialects } from '../../gateway/composition/dialects.js'
import { loadRegistry } from '../../gateway/profile/registry.js'
import { journalIn } from '../journal/open.js'
import { addGadget, BleShop, NUS_TX } from '../support/ble.js'
import { shopOf } from '../support/machine.js'
import { until } from '../support/until.js'
import { startSession } from './shop.js'

const SALE = { id: 's', verb: 'authorise', values: { amount: 10_000, reference: 'A00001' } }
const ACK = Uint8Array.of(0x06)

t.test('a pin pad on the air is driven: every write is acknowledged, the answer heard', async t => {
  const shop = await BleShop.open(t)
  const gadget = addGadget(shop.bluez)
  gadget.peripheral.mtu = 23
  const transport = shop.gatt({ radio: shop.radio() })
  const pad = await startSession(t, { profile: 'generic/edc-terminal', transport })
  await until('connected', () => pad.session.status.state === 'connected')
  const selling = pad.session.command(SALE)
  const frames = () => pad.dialect.createFramer().push(gadget.received())
  await until('asked', () => frames().some(({ type }) => type === 'frame'))
  t.ok(gadget.writes.length > 1, 'in pieces of the MTU')
  t.ok(gadget.ways.every(way => way === 'request'))
  shop.bluez.notify(gadget.peripheral, NUS_TX, ACK)
  const values = { date: '2026-11-22', time: '18:45:01', traceNumber: '000012' }
  const answer = { ...values, amount: 10_000, reference: 'A00001', authorisationCode: '123456' }
  shop.bluez.notify(gadget.peripheral, NUS_TX, pad.dialect.encode('approved', answer))
  t.match(await selling, { type: 'successful', values: { authorisationCode: '123456' } })
})

t.test(
  'a pin pad that does not acknowledge a write: nobody knows, and the link is lost',
  async t => {
    const shop = await BleShop.open(t)
    const { peripheral } = addGadget(shop.bluez)
    const transport = shop.gatt({ radio: shop.radio() })
    const pad = await startSession(t, { profile: 'generic/edc-terminal', transport })
    await until('connected', () => pad.session.status.state === 'connected')
    peripheral.isMute = true
    t.match(await pad.session.command(SALE), { type: 'failed' })
    await until('lost', async () =>
      (await pad.events()).some(({ type }) => type === 'terminal.lost'),
    )
  },
)

const PROFILE = `format: 1
vendor: acme
model: till
name: a till on the air that has two languages
kind: till
source: constructed
firmware:
  - { from: "4.0", to: "4.9", dialect: ecr-line }
  - { from: "5.0", to: "5.9", dialect: ecr-lrc }
identify:
  - { type: ble }
`

async function registryWith(t: Test) {
  const folder = join(t.testdir({ journal: {}, profiles: { acme: {} } }), 'profiles')
  for (const dialect of ['ecr-line', 'ecr-lrc'])
    for (const kind of ['dialect', 'cases']) {
      const name = `${dialect}.${kind}.yaml`
      const text = await readFile(join('firmware-profiles/tillbridge', name), 'utf8')
      await writeFile(join(folder, 'acme', name), text.replaceAll('tillbridge', 'acme'))
    }
  await writeFile(join(folder, 'acme/till.profile.yaml'), PROFILE)
  const loaded = await loadRegistry({ extraFolders: [folder] })
  if (!loaded.ok) throw new RangeError(loaded.error.join('\n'))
  return loaded.value
}

t.test('the firmware in 0x2A26 chooses the dialect, and a newer one another', async t => {
  const air = await BleShop.open(t)
  const gadget = addGadget(air.bluez)
  const line = 'line: { ble: { name: TILL-* } }'
  const shop = shopOf(`terminals: [ { id: till-1, profile: acme/till, ${line} } ]`)
  const [spoken] = resolveDialects(shop, await registryWith(t))
  if (spoken?.identify === undefined) throw new RangeError('it is to be asked')
  const { dialect, identify } = spoken
  const transport = air.gatt({ radio: air.radio() })
  const { session, events } = await startSession(t, {
    profile: 'tillbridge/plain-till',
    transport,
    own: { dialect, identify },
  })
  await until('4.2.1 is known', () => session.status.profile === 'acme/ecr-line@1')
  gadget.firmware = '5.0.0'
  air.bluez.drop(gadget.peripheral)
  await until('5.0.0 is known', () => session.status.profile === 'acme/ecr-lrc@1')
  const stated = async () => (await events()).filter(({ type }) => type === 'terminal.identified')
  await until('both are stated', async () => (await stated()).length === 2)
  t.match(await stated(), [
    { data: { firmware: '4.2.1', by: 'ble' } },
    { data: { firmware: '5.0.0', by: 'ble' } },
  ])
})

t.test('no more terminals at once than the adapter has links', async t => {
  const shop = await BleShop.open(t)
  const first = addGadget(shop.bluez)
  addGadget(shop.bluez, { address: '00:AA:01:01:00:02', name: 'TILL-02' })
  const radio = shop.radio(1)
  const journal = await journalIn(t.testdir())
  t.teardown(() => journal.close())
  const start = (address: string, terminal: string) =>
    startSession(t, {
      profile: 'generic/nus-scanner',
      firmware: '4.2.1',
      terminal,
      journal,
      transport: shop.gatt({ radio, selector: { address } }),
    })
  const one = await start('00:AA:01:01:00:01', 'one')
  await until('the first', () => one.session.status.state === 'connected')
  const two = await start('00:AA:01:01:00:02', 'two')
  await until('said why', () => /has its 1 links/.test(two.session.status.reason ?? ''))
  t.match([one.session.status.state, two.session.status.state], ['connected', 'opening'])
  shop.bluez.setRadio(first.peripheral, false)
  await until('its turn', () => two.session.status.state === 'connected')
  t.equal(shop.bluez.connected.length, 1)
})
