import t, { type Test } from 'tap'
import { EXIT } from '../../gateway/cli/exit-codes.js'
import { systemClock } from '../../gateway/core/clock.js'
import { openPrivateBus } from '../../gateway/simulator/bluez/private-bus.js'
import { BluezStandIn } from '../../gateway/simulator/bluez/stand-in.js'
import { openLinkFault } from '../../gateway/simulator/link-fault.js'
import { addGadget } from '../support/ble.js'
import { ended, MAIN, startProgram } from '../support/program.js'

const SCALE = '00:AA:01:01:00:01'

/** `tillbridge ble …` as a technician calls it, on this bus. */
function ble(t: Test, bus: string, ...args: readonly string[]) {
  return startProgram(t, [process.execPath, MAIN, 'ble', ...args], { DBUS_SYSTEM_BUS_ADDRESS: bus })
}

async function startBluez(t: Test, adapters: readonly string[], rule?: string) {
  const bus = await openPrivateBus(systemClock, rule)
  const bluez = await BluezStandIn.start({ busAddress: bus.address, clock: systemClock })
  for (const name of adapters) bluez.addAdapter(name, '00:AA:01:00:00:00')
  t.teardown(async () => {
    bluez.kill()
    await bus.stop()
  })
  return { bus: bus.address, bluez }
}

t.test('scan lists what is near, strongest first, and the profiles that fit', async t => {
  const { bus, bluez } = await startBluez(t, ['hci0'])
  addGadget(bluez)
  const sensor = bluez.addPeripheral('hci0', {
    address: 'CB:B8:33:4C:88:4F',
    name: 'Ruuvi\u001b[2J',
  })
  sensor.rssi = -40
  sensor.manufacturerData = { 1177: Uint8Array.of(5) }
  const { code, stdout, stderr } = await ended(ble(t, bus, 'scan', '--for', '3'))
  t.equal(stderr, '')
  t.equal(code, EXIT.ok)
  t.match(stdout.split('\n'), [
    /^CB:B8:33:4C:88:4F {3}-40 dBm {2}Ruuvi\ufffd\[2J .* -> ble\/ruuvi-tag$/,
    /^00:AA:01:01:00:01 {3}-55 dBm {2}TILL-01 .*Nordic UART.*-> generic\/nus-scanner$/,
  ])
})

t.test('show connects, and reads what can be read', async t => {
  const { bus, bluez } = await startBluez(t, ['hci0'])
  addGadget(bluez)
  const { code, stdout } = await ended(ble(t, bus, 'show', SCALE))
  t.equal(code, EXIT.ok)
  t.match(stdout, /180A Device Information {2}2A26 firmware revision {2}read {2}4\.2\.1$/m)
  t.match(stdout, /180F Battery {2}2A19 battery level {2}read {2}87$/m)
  t.match(stdout, /181D Weight Scale {2}2A9D weight measurement {2}indicate$/m)
})

t.test('pair asks for the digits that the device shows', async t => {
  const { bus, bluez } = await startBluez(t, ['hci0'])
  const { peripheral } = addGadget(bluez)
  peripheral.passkey = 4711
  const wrong = ble(t, bus, 'pair', SCALE)
  wrong.stdin.end('4712\n')
  t.match(await ended(wrong), { code: EXIT.findings, stderr: /pairing: .*Authentication/ })
  t.notOk(peripheral.isPaired)
  const right = ble(t, bus, 'pair', SCALE)
  right.stdin.end('004711\n')
  t.match(await ended(right), { code: EXIT.ok, stdout: /bonded/, stderr: /six digits/ })
  t.ok(peripheral.isPaired)
})

t.test('nothing near is a finding', async t => {
  const { bus } = await startBluez(t, ['hci0'])
  const { code, stderr } = await ended(ble(t, bus, 'scan', '--for', '1'))
  t.match([code, stderr], [EXIT.findings, /nothing was heard within 1 s/])
  t.match(await ended(ble(t, bus, 'scan', '--for', 'ever')), { code: EXIT.usage, stderr: /--for/ })
})

t.test('what is wrong with D-Bus, BlueZ or the adapter is said, and what to do', async t => {
  const withoutBluez = await openPrivateBus(systemClock)
  t.teardown(() => withoutBluez.stop())
  // Where answers come one by one, each is heard before the next.
  const slow = await openLinkFault({ target: withoutBluez.address.replace('unix:path=', '') })
  t.teardown(() => slow.close())
  slow.slow({ bytesPerSecond: 5000 })
  const slowBus = `tcp:host=127.0.0.1,port=${slow.port}`
  const denied = '<deny send_destination="org.bluez"/>'
  const troubles = [
    { bus: 'unix:path=/nowhere', found: /no D-Bus/, doThis: /Install dbus and bluez/ },
    { bus: withoutBluez.address, found: /no BlueZ/, doThis: /systemctl start bluetooth/ },
    { bus: slowBus, found: /no BlueZ/, doThis: /systemctl start bluetooth/ },
    { bus: (await startBluez(t, [])).bus, found: /without an adapter/, doThis: /Plug one in/ },
    {
      bus: (await startBluez(t, ['hci0'], denied)).bus,
      found: /policy of D-Bus/,
      doThis: /Run as a user that the policy lets in/,
    },
  ]
  const check = async ({ bus, found, doThis }: (typeof troubles)[number]): Promise<void> => {
    const doctor = [process.execPath, MAIN, 'doctor']
    const [scan, show, diagnosis] = await Promise.all([
      ended(ble(t, bus, 'scan', '--for', '4')),
      ended(ble(t, bus, 'show', SCALE)),
      ended(startProgram(t, doctor, { DBUS_SYSTEM_BUS_ADDRESS: bus })),
    ])
    for (const { code, stdout, stderr } of [scan, show]) {
      t.match(stderr, found, bus)
      t.match(stderr, doThis, bus)
      t.match([code, stdout], [EXIT.findings, ''])
    }
    t.match(diagnosis.stdout, found, `doctor on ${bus}`)
  }
  await Promise.all(troubles.map(check))
})
