import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock } from '../../gateway/core/clock.js'
import { silentLogger } from '../../gateway/core/log.js'
import { SerialPortTransport } from '../../gateway/line/transport/serial-port.js'
import { createDialect } from '../../gateway/profile/create-dialect.js'
import type { Dialect } from '../../gateway/profile/dialect.js'
import { protocolDialectFileSchema } from '../../gateway/profile/protocol-rules.js'
import { ModbusDevice, type ModbusMemory } from '../../gateway/simulator/modbus-device.js'
import { pacedLine } from '../../gateway/simulator/paced-line.js'
import { openPseudoTerminal, type PseudoTerminal } from '../../gateway/simulator/pseudo-terminal.js'
import type { TerminalLine } from '../../gateway/simulator/stop-and-wait.js'
import { Bus } from '../../gateway/terminal/bus.js'
import { journalIn } from '../journal/open.js'
import { freshDirectory } from '../support/shop.js'
import { until } from '../support/until.js'
import { dialectOf, type SessionUnderTest, startSession } from './shop.js'

const BAUD = 19_200
/** Of a terminal that never answers. */
const REPLY_MS = 100
/** Longer than a busy machine keeps an answer waiting. */
const PATIENT_MS = 1000
/** Of the dead one: the attempts that name it silent, and some of those that follow. */
const TURNS = 4
const FORMAT = { vendor: 'test', dialect: 'meter', version: 1, source: 'this test' } as const

/** A meter that is asked as often as the line allows for a number that counts its answers. */
function meterAt(unit: number, replyWithinMs: number): Dialect {
  const file = protocolDialectFileSchema.parse({
    format: 1,
    ...FORMAT,
    line: { baudRate: BAUD, dataBits: 8, parity: 'none', stopBits: 1 },
    protocol: {
      type: 'modbus',
      address: unit,
      replyWithinMs,
      absentEveryMs: 1000,
      groups: [
        {
          name: 'all',
          everyMs: 100,
          registers: [{ name: 'count', function: 4, address: 0, type: 'uint32', unit: 'x' }],
        },
      ],
    },
    idleMs: 60,
    cardData: false,
    messages: [
      {
        name: 'reading',
        event: {
          type: 'reading.taken',
          data: { register: '$register', quantity: '$quantity', unit: '$unit' },
        },
      },
    ],
  })
  return createDialect(file)
}

function counter(): ModbusMemory & { readonly count: () => number } {
  let count = 0
  return {
    count: () => count,
    read: (_, address) => {
      if (address === 0) count += 1
      return address === 0 ? count >>> 16 : count & 0xffff
    },
    write: () => false,
  }
}

interface Line {
  readonly port: PseudoTerminal
  readonly line: TerminalLine
  readonly bus: Bus
}

async function openLine(t: Test, options: { readonly echo?: boolean } = {}): Promise<Line> {
  const port = openPseudoTerminal({ link: join(freshDirectory(t), 'port') })
  t.teardown(() => port.close())
  const line = pacedLine(port, { baudRate: BAUD, clock: systemClock })
  if (options.echo === true) port.onData(bytes => void port.write(Uint8Array.from(bytes)))
  return { port, line, bus: busOn(port.path) }
}

function busOn(path: string): Bus {
  const settings = { baudRate: BAUD, dataBits: 8, parity: 'none', stopBits: 1 } as const
  const transport = new SerialPortTransport({ path, ...settings, clock: systemClock })
  return new Bus({ id: 'bus-1', transport, gapMs: 2, clock: systemClock, logger: silentLogger })
}

/** One whose bytes come in one piece: what a busy machine tears apart, silence would end. */
async function openQuickLine(t: Test, echo: boolean): Promise<Line> {
  const { port, bus } = await openLine(t, { echo })
  return { port, line: port, bus }
}

/** The devices speak until the test ends. */
function plugIn(t: Test, line: TerminalLine, units: readonly number[]) {
  const stop = new AbortController()
  const devices = units.map(unit => {
    const memory = counter()
    const device = new ModbusDevice({ line, unit, memory, clock: systemClock })
    return { memory, running: device.run(stop.signal) }
  })
  t.teardown(async () => {
    stop.abort()
    await Promise.all(devices.map(({ running }) => running))
  })
  return devices.map(({ memory }) => memory)
}

async function sessionsOn(
  t: Test,
  bus: Bus,
  units: readonly number[],
  replyWithinMs = PATIENT_MS,
): Promise<readonly SessionUnderTest[]> {
  const journal = await journalIn(freshDirectory(t))
  t.teardown(() => journal.close())
  return Promise.all(
    units.map(unit => {
      const terminal = `meter-${unit}`
      const transport = bus.member(terminal)
      return startSession(t, {
        profile: '',
        dialect: meterAt(unit, replyWithinMs),
        transport,
        terminal,
        journal,
      })
    }),
  )
}

const framesOf = (sessions: readonly SessionUnderTest[]): readonly number[] =>
  sessions.map(({ session }) => session.status.framesTotal)

for (const echo of [false, true])
  t.test(
    `three meters on one line${echo ? ', whose adapter hears itself' : ''}: each reading once`,
    async t => {
      const { line, bus } = await openQuickLine(t, echo)
      const memories = plugIn(t, line, [1, 2, 3])
      const sessions = await sessionsOn(t, bus, [1, 2, 3])
      await until('twenty of each', () => framesOf(sessions).every(frames => frames >= 20))
      for (const { stop } of sessions) await stop()
      const events = (await sessions[0]?.events()) ?? []
      for (const [index, memory] of memories.entries()) {
        const quantities = events.flatMap(event =>
          event.terminal === `meter-${index + 1}` && event.type === 'reading.taken'
            ? [Number(event.data.quantity)]
            : [],
        )
        t.same(
          quantities,
          Array.from(quantities, (_, at) => at + 1),
          'each once and in order',
        )
        t.ok(
          quantities.length >= memory.count() - 1,
          'none but one under way at the end is missing',
        )
      }
      t.match(bus.status, { state: 'open', strayBytes: 0 })
      t.ok(bus.status.members.every(({ collisionsTotal }) => collisionsTotal === 0))
    },
  )

t.test('a terminal that is dead costs the others its time share and no more', async t => {
  const { line, bus } = await openLine(t)
  plugIn(t, line, [1, 2])
  const two = await sessionsOn(t, bus, [1, 2])
  await until('both answer', () => framesOf(two).every(frames => frames > 2))
  const before = framesOf(two)
  const [dead] = await sessionsOn(t, bus, [9], REPLY_MS)
  await until('named silent', () => dead?.session.status.state === 'silent')
  const turnsOf = (unit: number): number =>
    bus.status.members.find(({ terminal }) => terminal === `meter-${unit}`)?.turnsTotal ?? 0
  await until('asked again', () => turnsOf(9) >= TURNS)
  const turns = turnsOf(9)
  const readings = framesOf(two).map((frames, index) => frames - (before[index] ?? 0))
  t.comment(`readings of the others: ${readings}, while the dead one was asked ${turns} times`)
  t.match(dead?.session.status, { framesTotal: 0 })
  // They ask as often as a turn of it lasts; bus.test.ts shows it to the millisecond.
  for (const count of readings) t.ok(2 * count >= turns - 1, `${count} in ${turns}`)
})

t.test('terminals of different languages share a line', async t => {
  const { line, bus } = await openLine(t)
  plugIn(t, line, [1])
  const toledo = await dialectOf('mettler-toledo/toledo-8217', '1')
  let grams = 1000
  line.onData(bytes => {
    if (!Buffer.from(bytes).equals(Buffer.from('W'))) return
    grams += 5
    void line.write(toledo.encode('weight', { weight: `0${(grams / 1000).toFixed(3)}` }))
  })
  const [meter] = await sessionsOn(t, bus, [1])
  const transport = bus.member('scale-1')
  const scale = await startSession(t, {
    profile: '',
    dialect: toledo,
    transport,
    terminal: 'scale-1',
  })
  await until(
    'both',
    () => scale.session.status.eventsTotal > 3 && framesOf(meter ? [meter] : [])[0] !== 0,
  )
  t.equal(scale.session.status.rejectedTotal, 0)
  t.equal(scale.session.status.discardedBytes, 0)
  t.equal(meter?.session.status.discardedBytes, 0)
})

t.test('a line that is unplugged is lost for all, and comes back for all', async t => {
  const link = join(freshDirectory(t), 'port')
  const first = openPseudoTerminal({ link })
  plugIn(t, pacedLine(first, { baudRate: BAUD, clock: systemClock }), [1, 2])
  const bus = busOn(link)
  const sessions = await sessionsOn(t, bus, [1, 2])
  await until('both answer', () => framesOf(sessions).every(frames => frames > 1))
  first.close()
  await until('lost', () => bus.status.state === 'lost')
  await until('for all', () => sessions.every(({ session }) => session.status.state === 'lost'))
  const second = openPseudoTerminal({ link })
  t.teardown(() => second.close())
  plugIn(t, second, [1, 2])
  const before = framesOf(sessions)
  await until('both answer again', () =>
    framesOf(sessions).every((frames, index) => frames > (before[index] ?? 0) + 1),
  )
  t.equal(bus.status.state, 'open')
})
