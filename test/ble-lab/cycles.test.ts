import t from 'tap'
import { BleShop } from '../support/ble.js'
import { cycle } from '../support/ble-cycles.js'
import { footprintText } from '../support/footprint.js'

// In `npm test` a slice; `npm run test:ble-lab` has all of them.
const CYCLES = Number(process.env['BLE_CYCLES'] ?? 25)

t.test(`${CYCLES} connects and disconnects leave nothing behind`, async t => {
  const shop = await BleShop.open(t)
  const { before, after } = await cycle(shop, CYCLES)
  t.equal(after.descriptors, before.descriptors, 'descriptors')
  t.equal(after.matchRules, before.matchRules, 'match rules')
  // One or the other is that of a call under way.
  t.ok(Math.abs(after.listeners - before.listeners) < CYCLES / 10, 'listeners')
  t.ok(after.heapBytes - before.heapBytes < 3 * 1024 * 1024, 'heap')
  t.comment(`${footprintText(before)} -> ${footprintText(after)}`)
})
