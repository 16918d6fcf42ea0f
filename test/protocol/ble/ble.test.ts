import t from 'tap'
import { fromHex } from '../../../gateway/core/bytes.js'
import { adStructures } from '../../../gateway/protocol/ble/advertisement.js'
import { isNewCounter, isNewPacket, readBthome } from '../../../gateway/protocol/ble/bthome.js'
import { CHARACTERISTICS } from '../../../gateway/protocol/ble/characteristics.js'
import { readRuuvi } from '../../../gateway/protocol/ble/ruuvi.js'

t.test('RuuviTag: what was not measured is null (dataformat_05.md)', async t => {
  const invalid = '058000ffffffff800080008000ffffffffffffffffffffff'
  t.match(readRuuvi(fromHex(invalid)), {
    ok: true,
    value: {
      temperature_c: null,
      humidity_pct: null,
      pressure_pa: null,
      acc_x_g: null,
      battery_v: null,
      tx_power_dbm: null,
      movement_counter: null,
      sequence: null,
      mac: null,
    },
  })
  const least = '058001000000008001800180010000000000cbb8334c884f'
  t.match(readRuuvi(fromHex(least)), {
    value: { temperature_c: -163.835, humidity_pct: 0, pressure_pa: 50_000, battery_v: 1.6 },
  })
  t.match(readRuuvi(fromHex('05')), { ok: false })
  t.match(readRuuvi(fromHex('09')), { ok: false })
})

t.test('RuuviTag: the extremes of format 6 (test_df6_decoder.py)', async t => {
  t.match(readRuuvi(fromHex('067fff9c40fffe27109c40fafafeffff074c8f4f')), {
    value: {
      temperature_c: 163.835,
      humidity_pct: 100,
      pressure_hpa: 1155.34,
      pm2_5: 1000,
      co2: 40_000,
      voc: 500,
      nox: 500,
      luminosity: 65_535,
      sequence: 255,
      calibrating: true,
    },
  })
})

t.test('BTHome: repeated objects are numbered, and a short one ends the packet', async t => {
  const names = (hex: string) => {
    const packet = readBthome(fromHex(hex))
    return packet.ok && packet.value.objects.map(({ name, value }) => [name, value])
  }
  t.same(names('4002ca0902cf0903bf13'), [
    ['temperature_1', 25.06],
    ['temperature_2', 25.11],
    ['humidity', 50.55],
  ])
  t.same(names('403a003a01'), [['button_2', 'press']])
  t.same(names('4002ca0903bf'), [['temperature', 25.06]])
  t.same(names('40530548656c6c6f'), [['text', 'Hello']])
  t.match(readBthome(fromHex('6002ca09')), { ok: false, error: /version/ })
})

t.test('BTHome: a wrong key, none, and a damaged packet decrypt to nothing', async t => {
  const packet = fromHex('41a47266c95f730011223378237214')
  const bindKey = fromHex('231d39c1d7cc1ab1aee224cd096db932')
  const address = '54:48:E6:8F:80:A5'
  t.match(readBthome(packet, { bindKey, address }), { ok: true, value: { counter: 0x33221100 } })
  t.match(readBthome(packet), { ok: false })
  t.match(readBthome(packet, { bindKey: bindKey.toReversed(), address }), { ok: false })
  t.match(readBthome(packet, { bindKey: Uint8Array.of(1), address }), { ok: false })
  packet[3] = 0
  t.match(readBthome(packet, { bindKey, address }), { ok: false })
})

t.test('BTHome: replays and repeats are told from news', async t => {
  t.same(
    [isNewCounter(undefined, 5), isNewCounter(5, 5), isNewCounter(5, 4), isNewCounter(5, 6)],
    [true, false, false, true],
  )
  t.ok(isNewCounter(0xffff_ffff, 0))
  const last = { id: 250, atMs: 0 }
  t.ok(isNewPacket(undefined, last))
  t.notOk(isNewPacket(last, { id: 250, atMs: 100 }))
  t.ok(isNewPacket(last, { id: 2, atMs: 100 }), 'ahead, over the wrap')
  t.notOk(isNewPacket(last, { id: 240, atMs: 100 }), 'behind')
  t.ok(isNewPacket(last, { id: 240, atMs: 5000 }), 'not heard for long')
})

t.test('characteristics: unknown values, impossible ones, lengths', async t => {
  const read = (number: string, hex: string) => CHARACTERISTICS[number]?.(fromHex(hex))
  t.match(read('2A6E', '0080'), { value: { celsius: null } })
  t.match(read('2A6E', '9cff'), { value: { celsius: -1 } })
  t.match(read('2A6F', 'ffff'), { value: { percent: null } })
  t.match(read('2A6F', '1127'), { ok: false })
  t.match(read('2A19', '65'), { ok: false })
  t.match(read('2A19', ''), { ok: false })
  t.match(read('2A9D', '00ffff'), { value: { weight: null } })
  t.match(read('2A9D', '0eb036ea070b1e0f1e000103010a07'), {
    value: { timestamp: '2026-11-30T15:30:00', user_id: 1, bmi: 25.9, height: 1.802 },
  })
  t.match(read('2A9D', '1f543de7070c190e1e2d03f500a802'), {
    value: { weight: 157, unit: 'lb', bmi: 24.5, height: 68, height_unit: 'in' },
  })
  t.match(read('2A9D', '0cb03605f500'), { value: { user_id: 5, bmi: 24.5 } })
  t.match(read('2A9D', '10b036d606'), { value: { height: 1.75, height_unit: 'm' } })
  t.match(read('2A9D', '02b036'), { ok: false })
  t.match(read('2A9D', '00b03600'), { ok: false })
})

t.test('a structure that ends beyond the advertisement is left out', async t => {
  t.same(adStructures(fromHex('020106')).length, 1)
  t.same(adStructures(fromHex('02010605ff9904')).length, 1)
  t.same(adStructures(fromHex('00')).length, 0)
})
