import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Clock, systemClock } from '../../gateway/core/clock.js'
import { seededRandom } from '../../gateway/core/random.js'
import { SerialPortTransport } from '../../gateway/line/transport/serial-port.js'
import { loadRegistry } from '../../gateway/profile/registry.js'
import { ModbusDevice, plainMemory } from '../../gateway/simulator/modbus-device.js'
import { openSimulatedTerminal } from '../../gateway/simulator/simulated-terminal.js'
import type { TerminalLine } from '../../gateway/simulator/stop-and-wait.js'
import { dialectContract } from '../contract/dialect.js'
import { freshDirectory } from '../support/shop.js'
import { until } from '../support/until.js'
import { dialectOf, type SessionUnderTest, startSession } from './shop.js'

/** As `dixell/xr` has it. */
const XR_REPLY_MS = 500

/** The till's end of the null modem, as a simulated device wants it. */
function deviceLine(shop: SessionUnderTest): TerminalLine {
  return {
    write: bytes => shop.till.send(bytes),
    onData: listener => {
      let seen = 0
      let isOver = false
      const look = (): void => {
        const heard = shop.till.heard().subarray(seen)
        seen += heard.length
        if (heard.length > 0) listener(heard)
        if (!isOver) setImmediate(look)
      }
      look()
      return () => {
        isOver = true
      }
    },
  }
}

/** For an answer it waits longer than a busy machine keeps it waiting. */
const patient: Clock = {
  ...systemClock,
  after: (ms, run) => systemClock.after(ms === XR_REPLY_MS ? 100 * ms : ms, run),
}

/** A cold room with a probe that can be cut, and its session. */
async function coldRoom(t: Test) {
  const shop = await startSession(t, { profile: 'dixell/xr', clock: patient })
  const registers = new Map([
    [256, 42],
    [258, 0x8000],
    [768, 0xffdf],
  ])
  const bits = new Map([
    [0, 1],
    [16, 0],
  ])
  const device = new ModbusDevice({
    line: deviceLine(shop),
    unit: 1,
    memory: plainMemory(registers, bits),
    identity: ['Dixell', 'XR60C', '2.4'],
    clock: systemClock,
  })
  const stop = new AbortController()
  const running = device.run(stop.signal)
  t.teardown(async () => {
    stop.abort()
    await running
  })
  return { shop, registers }
}

async function readingsOf(shop: SessionUnderTest) {
  return (await shop.events()).flatMap(event =>
    event.type === 'reading.taken' ? [event.data] : [],
  )
}

t.test('a controller is read; a broken probe is a fault and no temperature', async t => {
  const { shop } = await coldRoom(t)
  await until('all five', async () => (await readingsOf(shop)).length === 5)
  t.same(await readingsOf(shop), [
    { register: 'cabinet', quantity: '4.2', unit: '°C' },
    { register: 'evaporator', unit: '°C', fault: 'probe shorted' },
    { register: 'setpoint', quantity: '-3.3', unit: '°C' },
    { register: 'defrost', quantity: '0', unit: 'state' },
    { register: 'door-open', quantity: '1', unit: 'state' },
  ])
  t.equal(shop.session.status.timeoutTotal, 0)
})

t.test('a set point is set and read back', async t => {
  const { shop, registers } = await coldRoom(t)
  await until('read once', async () => (await readingsOf(shop)).length === 5)
  const values = { register: 'setpoint', value: -18.5 }
  const outcome = await shop.session.command({ id: 'c1', verb: 'write-register', values })
  t.same(outcome, { type: 'successful', values })
  t.equal(registers.get(768), 0x1_0000 - 185)
  await until('read back', async () =>
    (await readingsOf(shop)).some(({ quantity }) => quantity === '-18.5'),
  )
})

t.test('a device that is not there is silent, and a command to it fails', async t => {
  const shop = await startSession(t, { profile: 'eastron/sdm' })
  const command = { id: 'c1', verb: 'write-register', values: { register: 'voltage', value: 1 } }
  await until('open', () => shop.session.status.state === 'connected')
  t.match(await shop.session.command(command), { type: 'failed', reason: 'rejected' })
  await until('silent', () => shop.session.status.state === 'silent')
  t.ok(shop.session.status.timeoutTotal >= 3)
})

for (const [type, profile, register] of [
  ['meter', 'eastron/sdm', 'voltage'],
  ['cold-room', 'dixell/xr', 'cabinet'],
] as const)
  t.test(`the simulated ${type} is read over its pseudo-terminal`, async t => {
    const registry = await loadRegistry({ extraFolders: [] })
    if (!registry.ok) throw new Error(registry.error.join('\n'))
    const path = join(freshDirectory(t), 'port')
    const options = {
      id: type,
      kind: { type },
      link: path,
      perMinute: 60,
      seed: 7,
      timeZone: 'UTC',
    }
    const terminal = openSimulatedTerminal(options, registry.value)
    const stop = new AbortController()
    const running = terminal.run(stop.signal)
    const settings = { baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 } as const
    const transport = new SerialPortTransport({ path, ...settings, clock: systemClock })
    const shop = await startSession(t, { profile, firmware: '1', transport })
    await until('read', async () =>
      (await readingsOf(shop)).some(reading => reading.register === register),
    )
    t.equal(shop.session.status.rejectedTotal, 0)
    await shop.stop()
    stop.abort()
    await running
  })

const sdm = await dialectOf('eastron/sdm', '1')
dialectContract(
  t,
  {
    dialect: sdm,
    message: 'reading',
    sample: random => ({ register: 'energy', quantity: `${Math.floor(random.unit() * 1e6)}.5` }),
    stated: event => (event.type === 'reading.taken' ? String(event.data.quantity) : event.type),
    expected: ({ quantity }) => String(quantity),
    keyed: false,
    notices: 'any',
    crossChecked: false,
  },
  20_261_130,
)

t.test('a mutated exchange states no other quantity, and nothing piles up', async t => {
  const random = seededRandom(20_261_130)
  const framer = sdm.createFramer()
  for (let round = 0; round < 20_000; round += 1) {
    const bytes = Uint8Array.from(sdm.encode('reading', { register: 'energy', quantity: '12.5' }))
    const at = Math.floor(random.unit() * bytes.length)
    bytes[at] = Math.floor(random.unit() * 256)
    framer.push(bytes)
    if (random.unit() < 0.1) framer.idle()
    if (framer.bufferedBytes > 512) t.fail(`${framer.bufferedBytes} bytes`)
  }
  t.ok(framer.bufferedBytes <= 512)
})
