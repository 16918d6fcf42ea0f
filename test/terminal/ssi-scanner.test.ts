import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock } from '../../gateway/core/clock.js'
import { seededRandom } from '../../gateway/core/random.js'
import { SerialPortTransport } from '../../gateway/line/transport/serial-port.js'
import { SsiScanner } from '../../gateway/simulator/ssi-scanner.js'
import type { Ingest } from '../../gateway/terminal/ingest.js'
import { heardOf } from '../support/socat-device.js'
import { SocatLine } from '../support/socat-line.js'
import { until } from '../support/until.js'
import { type SessionUnderTest, startSession } from './shop.js'

const ACK = '04d00400ff28'
/** Not of the tests themselves: each of these begins with an empty one for its journal. */
const ports = t.testdir()
let lines = 0

async function plugIn(
  t: Test,
  ingest?: () => Ingest,
): Promise<{ readonly line: SocatLine; readonly shop: SessionUnderTest }> {
  lines += 1
  const line = await SocatLine.open(join(ports, `line-${lines}`))
  t.teardown(() => line.gone())
  const settings = { baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 } as const
  const transport = new SerialPortTransport({ path: line.path, ...settings, clock: systemClock })
  const given = ingest === undefined ? {} : { ingest }
  const shop = await startSession(t, { profile: 'zebra/ssi', transport, ...given })
  await until('connected', () => shop.session.status.state === 'connected')
  return { line, shop }
}

const scans = async (shop: SessionUnderTest) =>
  (await shop.events()).filter(({ type }) => type === 'code.scanned')

const answers = (line: SocatLine): string => Buffer.from(line.received).toString('hex')

t.test('a scan is acknowledged, and its repeat is acknowledged and no second scan', async t => {
  const { line, shop } = await plugIn(t)
  line.send(shop.dialect.encode('ean-8', { text: '02345673' }))
  await until('acknowledged', () => answers(line) === ACK)
  line.send(shop.dialect.encode('ean-8', { text: '02345673', repeated: true }))
  await until('acknowledged again', () => answers(line) === ACK + ACK)
  t.equal((await scans(shop)).length, 1)
  line.send(shop.dialect.encode('ean-8', { text: '02345673' }))
  await until('two of the same article', async () => (await scans(shop)).length === 2)
})

t.test('what the journal refuses is not acknowledged; its repeat is', async t => {
  let isFull = true
  const { line, shop } = await plugIn(t, () => async events => {
    const isScan = events.some(({ type }) => type === 'code.scanned')
    return isScan && isFull
      ? { type: 'refused', code: 'TB_JOURNAL_FULL', reason: 'full' }
      : { type: 'journaled' }
  })
  line.send(shop.dialect.encode('ean-8', { text: '02345673' }))
  await until('heard', () => shop.session.status.framesTotal === 1)
  t.equal(answers(line), '')
  isFull = false
  line.send(shop.dialect.encode('ean-8', { text: '02345673', repeated: true }))
  await until('acknowledged', () => answers(line) === ACK)
  t.equal(shop.session.status.eventsTotal, 1)
})

t.test('a simulated scanner: every scan once, none said again', async t => {
  const { line, shop } = await plugIn(t)
  const unplug = new AbortController()
  const scanner = new SsiScanner({
    line: heardOf(line),
    dialect: shop.dialect,
    clock: systemClock,
    random: seededRandom(5),
    pauseMs: () => 20,
  })
  const running = scanner.run(unplug.signal)
  await until('ten scans', async () => (await scans(shop)).length >= 10)
  unplug.abort()
  await running
  // One may have been under way, and have come only now.
  const frames = (): number => shop.session.status.framesTotal
  await until('all settled', async () => (await scans(shop)).length === frames())
  const { rejectedTotal, discardedBytes } = shop.session.status
  t.equal(rejectedTotal + discardedBytes, 0)
})
