import t, { type Test } from 'tap'
import { type EpochId, newEpochId } from '../../gateway/core/ids.js'
import { LIMITS } from '../../gateway/core/limits.js'
import { systemRandom } from '../../gateway/core/random.js'
import { watchSecondGateway } from '../../gateway/enrol/second-gateway.js'
import type { Delivery, MqttConnection, MqttState } from '../../gateway/mqtt/connection.js'
import { farewellOf } from '../../gateway/mqtt/failure.js'
import { errorLog } from '../support/error-log.js'
import { startMosquitto } from '../support/mosquitto.js'
import { STORE } from '../support/sample.js'
import {
  freshDirectory,
  openHq,
  openLedger,
  openShop,
  sell,
  soldIn,
  TOPICS,
} from '../support/shop.js'
import { steppedClock } from '../support/stepped-clock.js'
import { until } from '../support/until.js'

const epochs = (ordinals: readonly number[]): EpochId[] =>
  ordinals.map(ordinal => newEpochId(ordinal, systemRandom))

/** A gateway in its epoch, whose broker says what the test says. */
function gateway(epoch: EpochId) {
  const { clock, step } = steppedClock()
  const said: string[] = []
  let onState: (state: MqttState) => void = () => undefined
  let onReceipt: (delivery: Delivery) => void = () => undefined
  const connection: MqttConnection = {
    state: { type: 'stopped' },
    onState: listener => {
      onState = listener
      return () => undefined
    },
    subscribe: (_filter, handler) => {
      onReceipt = handler
      return () => undefined
    },
    publish: async () => undefined,
    start: () => undefined,
    stop: async () => undefined,
  }
  watchSecondGateway({
    ...{ connection, epoch, clock, receipts: TOPICS.receipt(STORE) },
    alarms: { raise: () => void said.push('raise'), clear: () => void said.push('clear') },
  })
  const hear = (named: readonly EpochId[]): void => {
    const about = named.map(each => ({ epoch: each, upTo: 1, missing: [] }))
    const receipt = { v: 1, ledger: 'a'.repeat(32), epochs: about, credit: 2 }
    const payload = Buffer.from(JSON.stringify(receipt))
    onReceipt({ topic: TOPICS.receipt(STORE), payload, retained: false })
  }
  const end = (reasonCode: number): void =>
    onState({ type: 'connecting', ...farewellOf(reasonCode) })
  return { said, step, hear, end }
}

t.test('what HQ says to another gateway shows it, if it goes on', async t => {
  const [older, ours, another] = epochs([4, 5, 5])
  if (older === undefined || ours === undefined || another === undefined) throw new Error('none')
  const { said, step, hear } = gateway(ours)
  for (let times = 0; times < 9; times += 1) hear([older, ours])
  hear([another])
  step(LIMITS.secondGatewayMs)
  hear([another])
  hear([another])
  t.notOk(said.includes('raise'), 'our own, older ones, and now and then another')
  hear([ours, another])
  t.equal(said.at(-1), 'raise')
  step(LIMITS.secondGatewayMs)
  t.equal(said.at(-1), 'clear')
})

t.test('a session that another client takes over shows it, and no other end', async t => {
  const [ours] = epochs([1])
  if (ours === undefined) throw new Error('none')
  const { said, end } = gateway(ours)
  for (let times = 0; times < 9; times += 1) end(139)
  t.same(said, [])
  for (let times = 0; times < LIMITS.secondGatewayTimes; times += 1) end(142)
  t.same(said, ['raise'])
})

/** A gateway on a cloned card: the same name at the broker, a journal of its own. */
async function cloneOf(t: Test, port: number) {
  const shop = await openShop(t, { port, directory: freshDirectory(t) })
  let isRinging = false
  const stop = watchSecondGateway({
    connection: shop.connection,
    receipts: TOPICS.receipt(STORE),
    epoch: shop.journal.epoch,
    alarms: {
      raise: () => {
        isRinging = true
      },
      clear: () => undefined,
    },
    clock: { ...steppedClock().clock },
  })
  t.teardown(stop)
  return { ...shop, isRinging: () => isRinging }
}

t.test('two gateways of one name at a real mosquitto: both are named, nothing is lost', async t => {
  const broker = await startMosquitto()
  t.teardown(() => broker.stop())
  const ledger = await openLedger(freshDirectory(t))
  const { logger, errors } = errorLog()
  openHq(t, { port: broker.port, ledger, logger })
  const [one, other] = [await cloneOf(t, broker.port), await cloneOf(t, broker.port)]
  for (let number = 1; !one.isRinging() || !other.isRinging(); number += 1) {
    await sell(one.journal, [number])
    await sell(other.journal, [1_000 + number])
    const isHere = async (): Promise<boolean> => {
      const sold = await soldIn(ledger)
      return sold.includes(number) && sold.includes(1_000 + number)
    }
    await until(`sales ${number} of both`, isHere)
  }
  t.ok(
    errors.some(text => /are both live: a cloned card/.test(text)),
    'HQ names the epochs',
  )
})
