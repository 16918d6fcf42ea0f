import t, { type Test } from 'tap'
import { resolveDialects } from '../../gateway/composition/dialects.js'
import { fromHex } from '../../gateway/core/bytes.js'
import type { BleGattOptions } from '../../gateway/line/transport/ble-gatt.js'
import { fullUuid } from '../../gateway/line/transport/bluez/selector.js'
import { loadRegistry } from '../../gateway/profile/registry.js'
import { addGadget, BleShop, type Gadget, NUS_TX } from '../support/ble.js'
import { LOSSES } from '../support/ble-losses.js'
import { shopOf } from '../support/machine.js'
import { until } from '../support/until.js'
import { type SessionUnderTest, startSession } from './shop.js'

const FIRST = '2112345678900'
const SECOND = '2112345678917'

function startScanner(
  t: Test,
  shop: BleShop,
  options: Partial<BleGattOptions> = {},
): Promise<SessionUnderTest> {
  const transport = shop.gatt({ radio: shop.radio(), ...options })
  return startSession(t, { profile: 'generic/nus-scanner', firmware: '4.2.1', transport })
}

/** Sends a code as soon as it would be heard; how often it was listened to until then. */
async function scan(shop: BleShop, { peripheral }: Gadget, code: string): Promise<number> {
  const line = Buffer.from(`]E0${code}\r`)
  let listenings = 0
  await until('sent', () => {
    const isStart = (call: string): boolean => call === 'GattCharacteristic1.StartNotify'
    listenings = shop.bluez.calls.filter(isStart).length
    return shop.bluez.notify(peripheral, NUS_TX, line)
  })
  return listenings
}

async function codesOf({ events }: SessionUnderTest): Promise<readonly unknown[]> {
  return (await events()).flatMap(event => (event.type === 'code.scanned' ? event.data.text : []))
}

async function countOf({ events }: SessionUnderTest, wanted: string): Promise<number> {
  return (await events()).filter(({ type }) => type === wanted).length
}

t.test('a code that a scanner sends over the air is an event', async t => {
  const shop = await BleShop.open(t)
  const gadget = addGadget(shop.bluez)
  gadget.peripheral.mtu = 23
  const scanner = await startScanner(t, shop)
  await scan(shop, gadget, FIRST)
  await until('it is there', async () => (await codesOf(scanner)).length === 1)
  t.match(scanner.session.status, { state: 'connected', rssiDbm: -55 })
})

for (const { name, options, prepare, lose } of LOSSES)
  t.test(`${name}: the session comes back by itself`, async t => {
    const shop = await BleShop.open(t)
    const gadget = addGadget(shop.bluez)
    prepare?.(gadget)
    const scanner = await startScanner(t, shop, options)
    await scan(shop, gadget, FIRST)
    await until('the first code', async () => (await codesOf(scanner)).length === 1)
    const restore = await lose(shop, gadget)
    await until('the loss is an event', async () => (await countOf(scanner, 'terminal.lost')) === 1)
    const again = await restore()
    await until('it is back', async () => (await countOf(scanner, 'terminal.connected')) === 2)
    await scan(shop, again, SECOND)
    await until('the second code', async () => (await codesOf(scanner)).length >= 2)
    t.same(await codesOf(scanner), [FIRST, SECOND], 'each once')
  })

t.test('a sensor that encrypts is read with the key of the configuration', async t => {
  const shop = await BleShop.open(t)
  const address = '54:48:E6:8F:80:A5'
  const sensor = shop.bluez.addPeripheral('hci0', { address, name: 'SBHT-003C' })
  sensor.serviceData = { [fullUuid('FCD2')]: fromHex('41a47266c95f730011223378237214') }
  const registry = await loadRegistry({ extraFolders: [] })
  if (!registry.ok) throw new Error(registry.error.join('\n'))
  const key = '231d39c1d7cc1ab1aee224cd096db932'
  const configured = (profile: string) =>
    shopOf(
      `terminals: [ { id: till-1, profile: ${profile}, firmware: '5', ` +
        `line: { ble: { address: '${address}', advertisement: true, key: '${key}' } } } ]`,
    )
  const profile = 'ble/bthome-sensor'
  const [spoken] = resolveDialects(configured(profile), registry.value)
  if (spoken === undefined) throw new RangeError('one is configured')
  const { dialect } = spoken
  const transport = shop.advertisement({ radio: shop.radio(), selector: { address } })
  const { events } = await startSession(t, { profile, dialect, transport })
  const readings = async (): Promise<readonly unknown[]> =>
    (await events()).flatMap(event => (event.type === 'reading.taken' ? event.data : []))
  await until('two values', async () => (await readings()).length === 2)
  t.match(await readings(), [
    { register: 'temperature', quantity: '25.06' },
    { register: 'humidity', quantity: '50.55' },
  ])
  const misplaced = () => resolveDialects(configured('ble/ruuvi-tag'), registry.value)
  t.throws(misplaced, { code: 'TB_KEY_UNUSED' })
})

t.test('what a scanner says before the gateway listens again is heard', async t => {
  const shop = await BleShop.open(t)
  const gadget = addGadget(shop.bluez)
  const scanner = await startScanner(t, shop)
  await scan(shop, gadget, FIRST)
  await until('the first code', async () => (await codesOf(scanner)).length === 1)
  // BlueZ subscribes by itself to what was subscribed to: the scanner speaks at once, while the
  // gateway still asks for its firmware.
  gadget.peripheral.answerMs = 300
  shop.bluez.drop(gadget.peripheral)
  t.equal(await scan(shop, gadget, SECOND), 1, 'it is not listened to a second time yet')
  await until('the second code', async () => (await codesOf(scanner)).length >= 2)
  t.same(await codesOf(scanner), [FIRST, SECOND], 'each once')
})
