import t from 'tap'
import { fromHex, toHex } from '../../../gateway/core/bytes.js'
import { systemClock } from '../../../gateway/core/clock.js'
import { BleAdvertisement } from '../../../gateway/line/transport/ble-advertisement.js'
import { Reader } from '../../contract/transport.js'
import { BleShop } from '../../support/ble.js'
import { until } from '../../support/until.js'

const RUUVI = 0x0499
const FORMAT_5 = '0512fc5394c37c0004fffc040cac364200cdcbb8334c884f'

t.test('advertisements come as records, and silence is a loss', async t => {
  const shop = await BleShop.open(t)
  const tag = shop.bluez.addPeripheral('hci0', { address: 'CB:B8:33:4C:88:4F', name: 'Ruuvi 884F' })
  tag.manufacturerData = { [RUUVI]: fromHex(FORMAT_5) }
  const other = shop.bluez.addPeripheral('hci0', {
    address: 'CB:B8:33:4C:88:50',
    name: 'Ruuvi 8850',
  })
  other.serviceData = { '0000fcd2-0000-1000-8000-00805f9b34fb': fromHex('4002ca09') }
  const transport = new BleAdvertisement({
    radio: shop.radio(),
    selector: { name: 'Ruuvi 884*' },
    silentAfterMs: 3000,
    clock: systemClock,
  })
  const connection = await transport.connect(shop.signal)
  const reader = new Reader(connection)
  const record = `1c1bff9904${FORMAT_5}c9`
  await until('a record', () => toHex(reader.bytes).startsWith(record))
  t.equal(transport.rssiDbm, -55)
  await t.rejects(connection.write(Uint8Array.of(1)), { code: 'TB_LINE_CLOSED' })
  shop.bluez.setRadio(tag, false)
  t.equal(await reader.end, 'TB_LINE_CLOSED')
  t.notOk(toHex(reader.bytes).includes('d2fc'), 'the other one is not heard')
  await connection.close()
})

t.test('a sensor that is not there is unavailable', async t => {
  const shop = await BleShop.open(t)
  const options = { radio: shop.radio(), selector: { address: 'CB:B8:33:4C:88:51' } }
  const transport = new BleAdvertisement({ ...options, silentAfterMs: 300, clock: systemClock })
  await t.rejects(transport.connect(shop.signal), { code: 'TB_LINE_UNAVAILABLE' })
})
