import { join } from 'node:path'
import t, { type Test } from 'tap'
import { busFaults } from '../../gateway/composition/buses.js'
import { resolveDialects } from '../../gateway/composition/dialects.js'
import { loadConfig } from '../../gateway/config/load.js'
import { configWarnings } from '../../gateway/config/warnings.js'
import { loadRegistry } from '../../gateway/profile/registry.js'
import { shopOf } from '../support/machine.js'

const BUS = `buses:
  - id: fridges
    line: { serial: { path: /dev/ttyUSB0, baudRate: 9600 } }
`
const on = (bus: string, more: string): string => `firmware: '1', line: { bus: ${bus} }, ${more}`
const METER = 'id: meter-1, profile: eastron/sdm'

/** The faults of a shop that has this beside its name and HQ, from line 3 on. */
function faultsOf(t: Test, yaml: string): readonly string[] {
  const text = `store: store-001\nhq: { url: mqtt://127.0.0.1 }\n${yaml}`
  const folder = t.testdir({ 'shop.yaml': text })
  const loaded = loadConfig({ file: join(folder, 'shop.yaml'), env: {} })
  return loaded.ok ? [] : loaded.error.map(fault => fault.replace(`${folder}/`, ''))
}

t.test('several terminals name one line, each with its address', async t => {
  const config = shopOf(
    `${BUS}terminals:
  - { ${METER}, ${on('fridges', 'address: 1')} }
  - { id: cold-room-1, profile: dixell/xr, ${on('fridges', 'address: 2')} }`,
  )
  t.match(config.buses, [{ id: 'fridges', line: { type: 'serial', path: '/dev/ttyUSB0' } }])
  t.match(config.terminals, [{ line: { type: 'bus', bus: 'fridges' }, address: 1 }, { address: 2 }])
  t.same(configWarnings(config), [])
  t.match(configWarnings(shopOf(BUS)), [/terminals/, /buses.0: no terminal is on it/])
})

t.test('what cannot be is named by line and column', async t => {
  const terminals = (...rows: readonly string[]): string =>
    `${BUS}terminals:\n${rows.map(row => `  - { ${row} }`).join('\n')}\n`
  t.match(faultsOf(t, terminals(`${METER}, ${on('meters', 'address: 1')}`)), [
    /^shop.yaml:7:\d+: terminals.0.line.bus: expected one of buses; write fridges/,
  ])
  const same = terminals(
    `${METER}, ${on('fridges', 'address: 1')}`,
    `id: meter-2, profile: eastron/sdm, ${on('fridges', 'address: 1')}`,
  )
  t.match(faultsOf(t, same), [/^shop.yaml:8:\d+: terminals.1.address: .*terminals.0 has 1/])
  const serial = `${METER}, firmware: '1', line: { serial: { path: /dev/ttyUSB0 } }`
  t.match(faultsOf(t, terminals(serial)), [/terminals.0.line: .*buses.0 is on \/dev\/ttyUSB0/])
  t.match(faultsOf(t, BUS.replace('serial', 'listen')), [/shop.yaml:\d+:\d+: buses.0.line/])
  t.match(faultsOf(t, `${BUS}${BUS.replace('buses:\n', '').replace('USB0', 'USB1')}`), [
    /buses.1.id: expected an id of its own/,
  ])
})

async function settingsFaults(yaml: string): Promise<readonly string[]> {
  const registry = await loadRegistry({ extraFolders: [] })
  if (!registry.ok) throw new Error(registry.error.join('\n'))
  const config = shopOf(yaml)
  return busFaults(config, resolveDialects(config, registry.value)).map(({ message }) => message)
}

t.test('one line has one speed, and only terminals that are asked', async t => {
  const open = BUS.replace(', baudRate: 9600', '')
  const scale = `id: scale-1, profile: mettler-toledo/toledo-8217, ${on('fridges', '')}`
  const both = `terminals:\n  - { ${METER}, ${on('fridges', '')} }\n  - { ${scale} }`
  t.match(await settingsFaults(open + both), [
    /bus fridges: meter-1 has dataBits 8, scale-1 has dataBits 7/,
  ])
  const said = open.replace('ttyUSB0', 'ttyUSB0, dataBits: 8, parity: none')
  t.same(await settingsFaults(said + both), [])
  const scanner = `id: scanner-1, profile: generic/aim-scanner, ${on('fridges', '')}`
  t.match(await settingsFaults(`${BUS}terminals:\n  - { ${scanner} }`), [
    /scanner-1 talks without being asked/,
  ])
})

t.test('an address is for those that have one', async t => {
  const registry = await loadRegistry({ extraFolders: [] })
  if (!registry.ok) throw new Error(registry.error.join('\n'))
  const at = (profile: string, address = 7) =>
    registry.value.dialectOf({ profile, firmware: '1.0', address })
  t.match(at('eastron/sdm'), { ok: true, value: { id: 'eastron/sdm@1' } })
  t.match(at('eastron/sdm', 248), { ok: false, error: { message: /has no address 248/ } })
  t.match(at('tillbridge/reference-till'), { ok: false, error: { code: 'TB_ADDRESS_UNKNOWN' } })
  t.match(at('mettler-toledo/toledo-8217'), { ok: false, error: { code: 'TB_ADDRESS_UNKNOWN' } })
})
