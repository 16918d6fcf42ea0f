import { join } from 'node:path'
import t, { type Test } from 'tap'
import { equalBytes } from '../../gateway/core/bytes.js'
import { systemClock } from '../../gateway/core/clock.js'
import { seededRandom } from '../../gateway/core/random.js'
import type { Journal } from '../../gateway/journal/journal.js'
import { SerialPortTransport } from '../../gateway/line/transport/serial-port.js'
import { atWrongSpeed, withParityBit } from '../../gateway/simulator/garble.js'
import { pacedLine } from '../../gateway/simulator/paced-line.js'
import { openPseudoTerminal, type PseudoTerminal } from '../../gateway/simulator/pseudo-terminal.js'
import { journalIn } from '../journal/open.js'
import { receipt } from '../support/receipt.js'
import { freshDirectory } from '../support/shop.js'
import { until } from '../support/until.js'
import { type SessionUnderTest, startSession } from './shop.js'

const TILL = 'tillbridge/reference-till'

interface Plugged {
  readonly shop: SessionUnderTest
  readonly path: string
  port: PseudoTerminal
  acks: number
}

/** A till's session on a pseudo-terminal, open. */
async function plug(t: Test, terminal: string, journal: Journal): Promise<Plugged> {
  const path = join(freshDirectory(t), 'port')
  const settings = { baudRate: 115_200, dataBits: 8, parity: 'none', stopBits: 1 } as const
  const transport = new SerialPortTransport({ path, ...settings, clock: systemClock })
  const port = openPseudoTerminal({ link: path })
  const shop = await startSession(t, { profile: TILL, transport, terminal, journal })
  const plugged = { shop, path, port, acks: 0 }
  listen(plugged)
  t.teardown(() => plugged.port.close())
  await until('open', () => shop.session.status.state === 'connected')
  return plugged
}

function listen(plugged: Plugged): void {
  plugged.port.onData(bytes => {
    plugged.acks += bytes.filter(byte => byte === 0x06).length
  })
}

/** Two tills of one shop: one that will have trouble, and its neighbour. */
async function twoTills(t: Test) {
  const journal = await journalIn(freshDirectory(t))
  t.teardown(() => journal.close())
  const troubled = await plug(t, 'till-1', journal)
  const other = await plug(t, 'till-2', journal)
  return { troubled, other }
}

async function sell(plugged: Plugged, number: number): Promise<void> {
  const before = plugged.acks
  await plugged.port.write(plugged.shop.dialect.encode('sale', receipt(number)))
  await until('acknowledged', () => plugged.acks > before)
}

async function salesOf({ shop }: Plugged, terminal: string): Promise<number> {
  const events = await shop.events()
  return events.filter(event => event.type === 'sale.completed' && event.terminal === terminal)
    .length
}

t.test('a till that is restarted is lost, comes back, and its sale stands once', async t => {
  const { troubled, other } = await twoTills(t)
  await sell(troubled, 1)
  troubled.port.close()
  await until('lost', () => troubled.shop.session.status.state === 'lost')
  t.ok(troubled.shop.session.status.reason, 'and it says why')
  await sell(other, 1)
  troubled.port = openPseudoTerminal({ link: troubled.path })
  listen(troubled)
  await until('back', () => troubled.shop.session.status.state === 'connected')
  await sell(troubled, 1)
  await sell(troubled, 2)
  t.equal(await salesOf(troubled, 'till-1'), 2)
  t.equal(other.shop.session.status.state, 'connected')
})

t.test('a cable that is pulled in the middle of a frame leaves nothing half', async t => {
  const { troubled, other } = await twoTills(t)
  const frame = troubled.shop.dialect.encode('sale', receipt(1))
  await troubled.port.write(frame.subarray(0, frame.length / 2))
  await sell(other, 1)
  troubled.port.close()
  await until('lost', () => troubled.shop.session.status.state === 'lost')
  t.equal(await salesOf(troubled, 'till-1'), 0)
  troubled.port = openPseudoTerminal({ link: troubled.path })
  listen(troubled)
  await until('back', () => troubled.shop.session.status.state === 'connected')
  await sell(troubled, 1)
  t.equal(await salesOf(troubled, 'till-1'), 1)
})

t.test(
  'babble at 115200 has a name, its neighbour sells, and the till is heard afterwards',
  async t => {
    const { troubled, other } = await twoTills(t)
    const random = seededRandom(20_261_130)
    const line = pacedLine(troubled.port, { baudRate: 115_200, clock: systemClock })
    let isOver = false
    const babble = async (): Promise<void> => {
      while (!isOver) await line.write(random.bytes(256))
    }
    const babbling = babble()
    await until('named', () => troubled.shop.session.status.state === 'babbling')
    t.match(troubled.shop.session.status.reason, /bytes without a pause, and no frame in them/)
    for (const number of [1, 2, 3]) await sell(other, number)
    t.equal(other.shop.session.status.state, 'connected')
    isOver = true
    await babbling
    await systemClock.sleep(troubled.shop.dialect.idleMs + 50)
    await sell(troubled, 1)
    t.equal(troubled.shop.session.status.state, 'connected')
    t.equal(await salesOf(troubled, 'till-1'), 1)
  },
)

for (const [name, garble] of [
  [
    'a wrong speed',
    (bytes: Uint8Array) => atWrongSpeed(bytes, { sentBaud: 9600, readBaud: 19_200 }),
  ],
  ['a wrong parity', withParityBit],
] as const)
  t.test(`${name} is named garbled, and mended it sells`, async t => {
    const { troubled, other } = await twoTills(t)
    const { dialect, session } = troubled.shop
    for (const number of [1, 2, 3, 4])
      await troubled.port.write(garble(dialect.encode('sale', receipt(number))))
    await until('named', () => session.status.state === 'garbled')
    t.match(session.status.reason, /speed, parity, cable/)
    await sell(other, 1)
    t.equal(await salesOf(troubled, 'till-1'), 0)
    await systemClock.sleep(dialect.idleMs + 50)
    await sell(troubled, 1)
    t.equal(session.status.state, 'connected')
    const events = await troubled.shop.events()
    const own = events.filter(({ terminal }) => terminal === 'till-1').map(({ type }) => type)
    t.same(own.slice(0, 2), ['terminal.connected', 'terminal.lost'])
    t.same(own.slice(2).sort(), ['sale.completed', 'terminal.connected'])
  })

t.test('what the simulator garbles is what a UART would read', async t => {
  const text = Buffer.from('Bread roll 0.45')
  const same = atWrongSpeed(text, { sentBaud: 9600, readBaud: 9600 })
  t.ok(equalBytes(same, text), 'nothing at the right speed')
  const twice = atWrongSpeed(text, { sentBaud: 9600, readBaud: 19_200 })
  t.notOk(equalBytes(twice.subarray(0, text.length), text))
  // Nine low bits last eighteen at twice the speed, and the stop bit ends the second byte.
  t.same(
    atWrongSpeed(Uint8Array.of(0x00), { sentBaud: 9600, readBaud: 19_200 }),
    Uint8Array.of(0, 0x80),
  )
  t.same(withParityBit(Buffer.from('AC')), Buffer.from([0x41, 0xc3]))
})
