import t from 'tap'
import { addGadget, BleShop, NUS_TX } from '../support/ble.js'
import { until } from '../support/until.js'
import { startSession } from './shop.js'

t.test('a code that a scanner sends over the air is an event', async t => {
  const shop = await BleShop.open(t)
  const { peripheral } = addGadget(shop.bluez)
  peripheral.mtu = 23
  const transport = shop.gatt({ radio: shop.radio() })
  const { session, events, stop } = await startSession(t, {
    profile: 'generic/nus-scanner',
    firmware: '4.2.1',
    transport,
  })
  const scans = async (count: number): Promise<boolean> => {
    const all = await events()
    return all.filter(({ type }) => type === 'code.scanned').length === count
  }
  const scan = async (text: string): Promise<void> =>
    until('sent', () => shop.bluez.notify(peripheral, NUS_TX, Buffer.from(text)))
  await scan(']E02112345678900\r')
  await until('the first', () => scans(1))
  t.match(session.status, { state: 'connected', rssiDbm: -55 })
  await stop()
})
