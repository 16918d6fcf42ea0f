import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock } from '../../gateway/core/clock.js'
import { seededRandom } from '../../gateway/core/random.js'
import { SerialPortTransport } from '../../gateway/line/transport/serial-port.js'
import { PolledScale } from '../../gateway/simulator/polled-scale.js'
import { SCALE_MODELS, type ScaleModelName } from '../../gateway/simulator/scale-models.js'
import { heardOf } from '../support/socat-device.js'
import { SocatLine } from '../support/socat-line.js'
import { until } from '../support/until.js'
import { dialectOf, type SessionUnderTest, startSession } from './shop.js'

/** Not of the tests themselves: each of these begins with an empty one for its journal. */
const ports = t.testdir()

/** A simulated scale on a line of socat, and a session that opens it as a serial port. */
async function plugIn(t: Test, model: ScaleModelName): Promise<SessionUnderTest> {
  const { profile, firmware } = SCALE_MODELS[model]
  const line = await SocatLine.open(join(ports, model))
  t.teardown(() => line.gone())
  const unplug = new AbortController()
  const scale = new PolledScale({
    line: heardOf(line),
    dialect: await dialectOf(profile, firmware),
    clock: systemClock,
    random: seededRandom(7),
    pauseMs: () => 100,
    model,
  })
  const running = scale.run(unplug.signal)
  t.teardown(async () => {
    unplug.abort()
    await running
  })
  const settings = { baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 } as const
  const transport = new SerialPortTransport({ path: line.path, ...settings, clock: systemClock })
  return startSession(t, { profile, firmware, transport })
}

for (const model of ['toledo', 'cas'] as const)
  t.test(`${model}: goods that lie there are weighed once, however often it is asked`, async t => {
    const shop = await plugIn(t, model)
    const weighed = async () =>
      (await shop.events()).filter(event => event.type === 'goods.weighed')
    const answers = () => shop.session.status.framesTotal
    await until('two weighings', async () => (await weighed()).length >= 2 && answers() > 5)
    const { rejectedTotal, discardedBytes } = shop.session.status
    t.equal(rejectedTotal + discardedBytes, 0)
    const quantities = (await weighed()).map(({ data }) => data.quantity)
    t.equal(new Set(quantities).size, quantities.length, quantities.join())
  })

t.test('magellan: weights and scans of one cable', async t => {
  const shop = await plugIn(t, 'magellan')
  const types = async () => new Set((await shop.events()).map(({ type }) => type))
  await until('a weight and a scan', async () => {
    const seen = await types()
    return seen.has('goods.weighed') && seen.has('code.scanned')
  })
  t.equal(shop.session.status.rejectedTotal, 0)
})
