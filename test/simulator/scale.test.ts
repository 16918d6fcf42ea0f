import t from 'tap'
import { systemClock } from '../../gateway/core/clock.js'
import { seededRandom } from '../../gateway/core/random.js'
import { Scale } from '../../gateway/simulator/scale.js'
import { until } from '../support/until.js'
import { startSession } from '../terminal/shop.js'
import { lineOf } from '../terminal/zvt-shop.js'

t.test('the simulated scale does what the gateway tells it', async t => {
  const shop = await startSession(t, { profile: 'mettler-toledo/mt-sics' })
  shop.modem.cut()
  const connection = await shop.modem.ends[1].connect(new AbortController().signal)
  const stopping = new AbortController()
  const scale = new Scale({
    line: lineOf(connection),
    dialect: shop.dialect,
    clock: systemClock,
    random: seededRandom(1),
    pauseMs: () => 50,
  })
  const running = scale.run(stopping.signal)
  t.teardown(async () => {
    stopping.abort()
    await running
  })
  await until('it weighs', () => shop.session.status.eventsTotal > 0)
  for (const verb of ['tare', 'clear-tare', 'zero'])
    t.match(await shop.session.command({ id: verb, verb, values: {} }), { type: 'successful' })
  t.equal(shop.session.status.rejectedTotal, 0)
})
