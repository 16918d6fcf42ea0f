import t, { type Test } from 'tap'
import { type BleSelector, fullUuid } from '../../../gateway/line/transport/bluez/selector.js'
import type { Connection } from '../../../gateway/line/transport/transport.js'
import { Reader, type Rig, transportContract } from '../../contract/transport.js'
import { addGadget, BleShop, type Gadget, NUS_TX } from '../../support/ble.js'
import { LOSSES } from '../../support/ble-losses.js'
import { until } from '../../support/until.js'

async function createRig(t: Test): Promise<Rig> {
  const shop = await BleShop.open(t)
  const { peripheral, received } = addGadget(shop.bluez)
  const radio = shop.radio()
  const transport = shop.gatt({ radio })
  return {
    transport,
    connect: () => transport.connect(shop.signal),
    send: bytes => void shop.bluez.notify(peripheral, NUS_TX, bytes),
    received,
    lose: () => shop.bluez.drop(peripheral),
    restore: async () => undefined,
    dispose: async () => undefined,
  }
}

transportContract(t, () => createRig(t))

t.test('what is written goes in pieces of the MTU, each acknowledged', async t => {
  const shop = await BleShop.open(t)
  const { peripheral, writes } = addGadget(shop.bluez)
  peripheral.mtu = 23
  const connection = await shop.gatt({ radio: shop.radio() }).connect(shop.signal)
  await connection.write(new Uint8Array(50).fill(7))
  t.same(
    writes.map(({ length }) => length),
    [20, 20, 10],
  )
  t.equal(connection.firmware, '4.2.1')
  await connection.close()
})

for (const { name, options, prepare, lose } of LOSSES)
  t.test(`${name}: the line is lost, and comes back by itself`, async t => {
    const shop = await BleShop.open(t)
    const gadget = addGadget(shop.bluez)
    prepare?.(gadget)
    const transport = shop.gatt({ radio: shop.radio(), ...options })
    const first = await transport.connect(shop.signal)
    const reader = new Reader(first)
    const restore = await lose(shop, gadget)
    t.equal(await reader.end, 'TB_LINE_CLOSED')
    await first.close()
    await restore()
    const second = await connected(() => transport.connect(shop.signal))
    await second.write(Buffer.from('back'))
    await second.close()
  })

/** As a session does: tries until it works. */
async function connected(connect: () => Promise<Connection>): Promise<Connection> {
  let connection: Connection | undefined
  await until('connected again', async () => {
    connection = await connect().catch(() => undefined)
    return connection !== undefined
  })
  if (connection === undefined) throw new Error('not connected')
  return connection
}

t.test('a terminal that does not answer is lost and let go', async t => {
  const shop = await BleShop.open(t)
  const { peripheral } = addGadget(shop.bluez)
  const connection = await shop.gatt({ radio: shop.radio() }).connect(shop.signal)
  peripheral.isMute = true
  await t.rejects(connection.write(Buffer.from('hello')), { code: 'TB_LINE_CLOSED' })
  t.notOk(peripheral.isConnected)
})

t.test('services that resolve behind the answer that they are not are not waited for', async t => {
  const shop = await BleShop.open(t)
  const { peripheral } = addGadget(shop.bluez)
  peripheral.races = true
  const connecting = shop.gatt({ radio: shop.radio() }).connect(shop.signal)
  await (await connecting).close()
})

t.test('a terminal that is not there, and an adapter with all its links', async t => {
  const shop = await BleShop.open(t)
  addGadget(shop.bluez)
  addGadget(shop.bluez, { address: '00:AA:01:01:00:02', name: 'TILL-02' })
  const radio = shop.radio(1)
  await t.rejects(shop.gatt({ radio, selector: { name: 'OTHER*' } }).connect(shop.signal), {
    code: 'TB_LINE_UNAVAILABLE',
    message: /not heard/,
  })
  const first = await shop.gatt({ radio, selector: { name: 'TILL-*' } }).connect(shop.signal)
  await t.rejects(shop.gatt({ radio, selector: { name: 'TILL-*' } }).connect(shop.signal), {
    code: 'TB_LINE_UNAVAILABLE',
    message: /1 links/,
  })
  await first.close()
})

t.test('a terminal is known by its name, by a service of it, or by its bond', async t => {
  const shop = await BleShop.open(t)
  const [scale, printer] = [fullUuid('181D'), fullUuid('18F0')]
  addGadget(shop.bluez, { address: '00:AA:01:01:00:01', name: 'SCAN-7', uuids: [] })
  addGadget(shop.bluez, { address: '00:AA:01:01:00:02', name: 'SCALE', uuids: [scale] })
  const bonded = addGadget(shop.bluez, { address: '00:AA:01:01:00:03', uuids: [printer] })
  const radio = shop.radio()
  const pairing = await shop
    .gatt({ radio, selector: { service: printer }, pairing: 'just-works' })
    .connect(shop.signal)
  t.ok(bonded.peripheral.isPaired)
  await pairing.close()
  const selectors: readonly (readonly [BleSelector, Gadget['peripheral']['path']])[] = [
    [{ name: 'SCAN-*' }, '/org/bluez/hci0/dev_00_AA_01_01_00_01'],
    [{ service: scale }, '/org/bluez/hci0/dev_00_AA_01_01_00_02'],
    [{ bonded: true }, '/org/bluez/hci0/dev_00_AA_01_01_00_03'],
  ]
  for (const [selector, path] of selectors) {
    const connection = await shop.gatt({ radio, selector }).connect(shop.signal)
    t.equal(shop.bluez.connected.join(), path, JSON.stringify(selector))
    await connection.close()
  }
})

t.test('pairing: a passkey that is right, one that is wrong, and a bond that was lost', async t => {
  const shop = await BleShop.open(t)
  const { peripheral } = addGadget(shop.bluez)
  peripheral.passkey = 123_456
  const radio = shop.radio()
  await t.rejects(shop.gatt({ radio, pairing: { passkey: 1 } }).connect(shop.signal), {
    code: 'TB_LINE_PAIRING',
  })
  const right = shop.gatt({ radio, pairing: { passkey: 123_456 } })
  const first = await right.connect(shop.signal)
  t.ok(peripheral.isPaired)
  await first.close()
  peripheral.isBondLost = true
  const second = await connected(() => right.connect(shop.signal))
  t.ok(shop.bluez.calls.includes('Adapter1.RemoveDevice'), 'the old bond was forgotten')
  t.ok(peripheral.isPaired, 'and made anew')
  await second.close()
})

t.test('an answer that D-Bus does not take ends the bus, and nothing else', async t => {
  const shop = await BleShop.open(t)
  const { peripheral } = addGadget(shop.bluez)
  peripheral.passkey = 123_456
  const radio = shop.radio()
  const pairing = { askPasskey: async () => -1, isShown: async () => false, show: () => undefined }
  await t.rejects(shop.gatt({ radio, pairing }).connect(shop.signal), { code: 'TB_LINE_PAIRING' })
  const right = shop.gatt({ radio, pairing: { passkey: 123_456 } })
  const connection = await connected(() => right.connect(shop.signal))
  t.ok(peripheral.isPaired)
  await connection.close()
})

t.test('values of the Bluetooth SIG come as records', async t => {
  const shop = await BleShop.open(t)
  const { peripheral } = addGadget(shop.bluez)
  const content = {
    type: 'values',
    characteristics: ['2A9D', '2A19'],
    readEveryMs: 60_000,
  } as const
  const connection = await shop.gatt({ radio: shop.radio(), content }).connect(shop.signal)
  const reader = new Reader(connection)
  const weight = '00002a9d-0000-1000-8000-00805f9b34fb'
  shop.bluez.notify(peripheral, weight, Uint8Array.of(0, 0xe8, 0x03))
  await until('both came', () => reader.bytes.length === 10)
  t.same([...reader.bytes], [0x2a, 0x19, 1, 87, 0x2a, 0x9d, 3, 0, 0xe8, 0x03])
  await t.rejects(connection.write(Uint8Array.of(1)), { code: 'TB_LINE_CLOSED' })
  await connection.close()
})
