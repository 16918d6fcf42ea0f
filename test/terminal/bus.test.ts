import t, { type Test } from 'tap'
import { fromHex, toHex } from '../../gateway/core/bytes.js'
import { silentLogger } from '../../gateway/core/log.js'
import { NullModem } from '../../gateway/line/transport/null-modem.js'
import type { Connection } from '../../gateway/line/transport/transport.js'
import { Bus } from '../../gateway/terminal/bus.js'
import { Reader } from '../contract/transport.js'
import { steppedClock } from '../support/stepped-clock.js'
import { until } from '../support/until.js'

const GAP_MS = 4
const NEVER = new AbortController().signal

/** A bus on a null modem, whose clock stands still, and what its devices hear. */
async function openBus(t: Test) {
  const { clock, step } = steppedClock()
  const modem = new NullModem({ clock })
  const [gateway, far] = modem.ends
  const bus = new Bus({
    id: 'bus-1',
    transport: gateway,
    gapMs: GAP_MS,
    clock,
    logger: silentLogger,
  })
  let device = await far.connect(NEVER)
  let heard = new Reader(device)
  t.teardown(() => device.close())
  const [one, two, three] = ['one', 'two', 'three'].map(name => bus.member(name))
  if (one === undefined || two === undefined || three === undefined) throw new Error('three')
  return {
    bus,
    clock,
    modem,
    members: [one, two, three] as const,
    heard: () => toHex(heard.bytes),
    says: (hex: string) => device.write(fromHex(hex)),
    again: async () => {
      device = await far.connect(NEVER)
      heard = new Reader(device)
    },
    /** Time passes, and everybody has done what was due. */
    pass: async (ms: number) => {
      for (let passed = 0; passed < ms; passed += 1) {
        await settle()
        step(1)
      }
      await settle()
    },
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise(resolve => setImmediate(resolve))
}

async function open(transport: { connect(signal: AbortSignal): Promise<Connection> }) {
  const connection = await transport.connect(NEVER)
  const reader = new Reader(connection)
  return { connection, heard: () => toHex(reader.bytes), end: reader.end }
}

t.test('one has the line until it releases it, and the next waits for the gap', async t => {
  const line = await openBus(t)
  const [one, two] = [await open(line.members[0]), await open(line.members[1])]
  void one.connection.write(fromHex('01'), 100)
  void two.connection.write(fromHex('02'), 100)
  await line.pass(GAP_MS)
  t.equal(line.heard(), '01')
  await line.pass(50)
  await line.says('aa')
  await settle()
  t.equal(one.heard(), 'aa')
  t.equal(line.heard(), '01', 'the second still waits')
  one.connection.release?.()
  await line.pass(GAP_MS - 1)
  t.equal(line.heard(), '01', 'for the silence between two frames, too')
  await line.pass(1)
  t.equal(line.heard(), '0102')
  await line.says('bb')
  await settle()
  t.equal(one.heard() + two.heard(), 'aabb', 'each hears its own answer alone')
})

t.test('a turn ends when its time is over, and an answer behind it reaches nobody', async t => {
  const line = await openBus(t)
  const [one, two] = [await open(line.members[0]), await open(line.members[1])]
  await line.pass(GAP_MS)
  await one.connection.write(fromHex('01'), 30)
  await line.pass(31)
  await line.says('aaaa')
  await line.pass(GAP_MS + 1)
  void two.connection.write(fromHex('02'), 30)
  await line.pass(GAP_MS)
  t.equal(line.heard(), '0102')
  t.equal(one.heard() + two.heard(), '')
  const { members, strayBytes } = line.bus.status
  t.equal(strayBytes, 2)
  t.match(members, [{ terminal: 'one', unansweredTotal: 1, collisionsTotal: 0, lateBytes: 2 }])
})

t.test('bytes in a turn that came to nothing are a collision', async t => {
  const line = await openBus(t)
  const one = await open(line.members[0])
  await line.pass(GAP_MS)
  await one.connection.write(fromHex('01'), 30)
  await line.says('ff')
  await line.pass(31)
  t.match(line.bus.status.members[0], { turnsTotal: 1, unansweredTotal: 1, collisionsTotal: 1 })
})

t.test('turns go round, whoever asks most', async t => {
  const line = await openBus(t)
  const [one, two, three] = await Promise.all(line.members.map(open))
  for (const hex of ['01', '01', '01']) void one?.connection.write(fromHex(hex), 10)
  void two?.connection.write(fromHex('02'), 10)
  void three?.connection.write(fromHex('03'), 10)
  await line.pass(100)
  t.equal(line.heard(), '0102030101')
})

t.test('a dead terminal costs each round its own time, and nothing else', async t => {
  const line = await openBus(t)
  const [dead, two, three] = await Promise.all(line.members.map(open))
  const turns = { dead: 0, two: 0, three: 0 }
  const stop = new AbortController()
  const askOn = async (name: keyof typeof turns, connection?: Connection): Promise<void> => {
    while (!stop.signal.aborted) {
      await connection?.write(fromHex('01'), 100)
      turns[name] += 1
      // The others answer at once; of the dead one the time is over, and nothing else happens.
      if (name === 'dead') await line.clock.sleep(100)
      else connection?.release?.()
    }
  }
  const asking = [askOn('two', two?.connection), askOn('three', three?.connection)]
  await line.pass(1000)
  const alone = { ...turns }
  asking.push(askOn('dead', dead?.connection))
  await line.pass(1080)
  t.same(alone, { dead: 0, two: 125, three: 125 }, 'a turn is the gap of 4 ms')
  // A round of all three is 4 + 4 + 4 + 100 ms, and one more has begun.
  t.same(
    { ...turns, two: turns.two - 125, three: turns.three - 125 },
    { dead: 10, two: 10, three: 10 },
  )
  stop.abort()
  await line.pass(300)
  await Promise.all(asking)
})

t.test(
  'an acknowledgement goes out within the turn, and one that asks nothing takes no time',
  async t => {
    const line = await openBus(t)
    const [one, two] = [await open(line.members[0]), await open(line.members[1])]
    await line.pass(GAP_MS)
    await one.connection.write(fromHex('01'), 30)
    void two.connection.write(fromHex('02'))
    await one.connection.write(fromHex('06'))
    t.equal(line.heard(), '0106')
    one.connection.release?.()
    await line.pass(GAP_MS)
    t.equal(line.heard(), '010602')
    void one.connection.write(fromHex('01'), 30)
    await line.pass(GAP_MS)
    t.equal(line.heard(), '01060201')
  },
)

t.test('a line that babbles is named, and does not keep the others waiting for ever', async t => {
  const line = await openBus(t)
  const one = await open(line.members[0])
  t.equal(line.bus.status.state, 'open')
  const asked = one.connection.write(fromHex('01'), 30)
  for (let ms = 0; ms < 120; ms += 1) {
    await line.says('55'.repeat(8))
    await line.pass(1)
  }
  await asked
  t.equal(line.heard(), '01', 'it asked in the end')
  t.match(line.bus.status, { state: 'babbling', reason: /bytes a second in nobody's turn/ })
  await line.pass(6_000)
  t.equal(line.bus.status.state, 'open', 'until it is quiet')
})

t.test('a line that is lost is lost for all, and opened once for all', async t => {
  const line = await openBus(t)
  const [one, two] = [await open(line.members[0]), await open(line.members[1])]
  const asked = one.connection.write(fromHex('01'), 1000)
  const refused = t.rejects(two.connection.write(fromHex('02'), 1000), { code: 'TB_LINE_CLOSED' })
  await line.pass(GAP_MS)
  line.modem.cut()
  t.equal(await one.end, 'TB_LINE_CLOSED')
  t.equal(await two.end, 'TB_LINE_CLOSED')
  await asked
  await refused
  t.match(line.bus.status, { state: 'lost', reason: 'the cable was cut' })
  await one.connection.close()
  await line.again()
  const [back, again] = await Promise.all([open(line.members[0]), open(line.members[1])])
  t.equal(line.bus.status.state, 'open')
  void back?.connection.write(fromHex('03'), 10)
  void again?.connection.write(fromHex('04'), 10)
  await line.pass(40)
  t.equal(line.heard(), '0304')
})

t.test('the line is closed with its last member', async t => {
  const line = await openBus(t)
  const [one, two] = [await open(line.members[0]), await open(line.members[1])]
  await line.pass(GAP_MS)
  await one.connection.write(fromHex('01'), 1000)
  const waiting = two.connection.write(fromHex('02'), 10)
  await one.connection.close()
  await line.pass(GAP_MS)
  await waiting
  t.equal(line.heard(), '0102', 'who leaves gives up its turn')
  await two.connection.close()
  await two.connection.close()
  t.equal(await two.end, 'ended')
  await until('free again', async () => {
    const third = await line.members[2].connect(NEVER)
    await third.close()
    return true
  })
})
