import { execFile } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { systemClock } from '../../gateway/core/clock.js'
import { messageOf } from '../../gateway/core/errors.js'
import { BleGatt } from '../../gateway/line/transport/ble-gatt.js'
import { BleRadio } from '../../gateway/line/transport/bluez/ble-radio.js'
import { SERIAL } from '../support/ble.js'
import { footprint, footprintText } from '../support/footprint.js'
import { KeptLine } from '../support/kept-line.js'
import { until } from '../support/until.js'

// Runs inside the guest of ble-lab.sh, where `lab` turns the pieces on and off: real BlueZ, real
// D-Bus, a terminal that speaks HCI by itself.

const CYCLES = Number(process.env['BLE_LAB_CYCLES'] ?? 100)
const PATIENCE_MS = 120_000
const run = promisify(execFile)
const startedMs = performance.now()
const seconds = (fromMs: number): string =>
  ((performance.now() - fromMs) / 1000).toFixed(1).padStart(7)
const say = (text: string): void => void process.stdout.write(`${seconds(startedMs)} s  ${text}\n`)

async function lab(...words: string[]): Promise<string> {
  const { stdout } = await run('lab', words, { timeout: 60_000 })
  return stdout.trim()
}

let passed = 0
async function step(name: string, work: () => Promise<string>): Promise<void> {
  const fromMs = performance.now()
  const result = await work()
  passed += 1
  say(`ok ${name}: ${((performance.now() - fromMs) / 1000).toFixed(1)} s ${result}`)
}

const leaving = new AbortController()
const radio = new BleRadio({ clock: systemClock, connections: 5 })
const address = await lab('address', 'terminal')
const options = { radio, pairing: 'none', content: SERIAL, clock: systemClock } as const
const transport = new BleGatt({ ...options, selector: { address } })
const line = new KeptLine(transport, leaving.signal)

/** The line is open (again), and the terminal's lines come. */
async function speaks(opened: number): Promise<void> {
  await until('open', () => line.opened > opened && line.connection !== undefined, PATIENCE_MS)
  const length = line.text.length
  await until('a line of it', () => /TICK \d+\n/.test(line.text.slice(length)), PATIENCE_MS)
}

async function survives(name: string, happens: () => Promise<unknown>): Promise<void> {
  await step(name, async () => {
    const { opened } = line
    await happens()
    await speaks(opened)
    return `(${line.reasons.at(-1) ?? ''})`
  })
}

await step('found, connected, subscribed', async () => {
  await speaks(0)
  return `firmware ${line.connection?.firmware}`
})
await step('written with acknowledgement, and answered', async () => {
  await line.connection?.write(Buffer.from('hello'))
  await until('the echo', () => line.text.includes('ECHO hello'), PATIENCE_MS)
  return ''
})
await step('300 notifications of 200 bytes, all and in order', async () => {
  await lab('terminal', 'say', 'burst', '300', '200')
  const count = (): number => (line.text.match(/B\d{6}/g) ?? []).length
  await until('all', () => count() >= 300, PATIENCE_MS).catch(() => {
    throw new Error(`${count()} of 300 came; opened ${line.opened}; ${line.reasons.join('; ')}`)
  })
  const numbers = (line.text.match(/B\d{6}/g) ?? []).map(text => Number(text.slice(1)))
  if (numbers.some((number, at) => number !== (numbers[0] ?? 0) + at)) throw new Error('disorder')
  return ''
})
await survives('terminal off for 3 s, and on', async () => {
  await lab('terminal', 'off')
  await delay(3000)
  await lab('terminal', 'on')
})
for (const number of [1, 2, 3])
  await survives(`link dropped (${number})`, () => lab('terminal', 'say', 'drop'))
await survives('bluetoothd restarted', () => lab('bluetoothd', 'restart'))
await survives('bluetoothd killed, 3 s, started', async () => {
  await lab('bluetoothd', 'kill')
  await delay(3000)
  await lab('bluetoothd', 'start')
})
await survives('handles moved (firmware update)', async () => {
  await lab('terminal', 'say', 'layout', '2')
  await lab('terminal', 'say', 'drop')
})
await survives('adapter switched off', () =>
  run('dbus-send', [
    ...['--system', '--print-reply', '--dest=org.bluez', '/org/bluez/hci0'],
    'org.freedesktop.DBus.Properties.Set',
    ...['string:org.bluez.Adapter1', 'string:Powered', 'variant:boolean:false'],
  ]),
)
await survives('dbus-daemon and bluetoothd restarted', async () => {
  await lab('bluetoothd', 'stop')
  await lab('dbus', 'stop')
  await delay(1000)
  await lab('dbus', 'start')
  await lab('bluetoothd', 'start')
})
await survives('adapter pulled and plugged', async () => {
  await lab('terminal', 'stop')
  await lab('controllers', 'stop')
  await delay(1000)
  await lab('controllers', 'start')
  await lab('terminal', 'start')
})
leaving.abort()
await line.done
await radio.idle()

await step(`${CYCLES} connects and disconnects`, async () => {
  const over = new AbortController()
  const next = new BleRadio({ clock: systemClock, connections: 5 })
  const again = new BleGatt({ ...options, radio: next, selector: { address } })
  const cycle = async (): Promise<void> => {
    const connection = await again.connect(over.signal)
    await connection.close()
  }
  for (let count = 0; count < 5; count++) await cycle()
  const before = await footprint()
  const reasons: string[] = []
  for (let done = 0; done < CYCLES; )
    await cycle().then(
      () => (done += 1),
      thrown => reasons.push(messageOf(thrown)),
    )
  const after = await footprint()
  over.abort()
  await next.idle()
  const failures = [...new Set(reasons)].join('; ')
  const held = `${footprintText(before)} -> ${footprintText(after)}`
  return `tried again ${reasons.length} times (${failures}); ${held}`
})
say(`${passed} steps passed`)
process.exit(0)
