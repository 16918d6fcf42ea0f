import t, { type Test } from 'tap'
import { z } from 'zod'
import { HqClient } from '../../gateway/cli/hq-client.js'
import { systemClock } from '../../gateway/core/clock.js'
import { terminalId } from '../../gateway/core/ids.js'
import { silentLogger } from '../../gateway/core/log.js'
import { systemRandom } from '../../gateway/core/random.js'
import { dispatcher, sayAgainVerb } from '../../gateway/downlink/dispatcher.js'
import { Downlink } from '../../gateway/downlink/downlink.js'
import { type GatewayVerb, gatewayVerb } from '../../gateway/downlink/gateway-verb.js'
import { GATEWAY_TERMINAL } from '../../gateway/event/event.js'
import { openLinkFault } from '../../gateway/simulator/link-fault.js'
import { encodeStatus } from '../../gateway/wire/status.js'
import { countingSink, HQ_KEY, TOPICS } from '../downlink/hq.js'
import { journalIn } from '../journal/open.js'
import { startMosquitto } from '../support/mosquitto.js'
import { connectTo } from '../support/mqtt.js'
import { onlineStatus } from '../support/online-status.js'
import { STORE } from '../support/sample.js'
import { until } from '../support/until.js'

/** A story of lines, each a chunk; the rest of it when the test says so. */
function storyVerb(story: { isAway: boolean; told: number }): GatewayVerb {
  return gatewayVerb({
    name: 'story',
    arguments: z.strictObject({}),
    changes: false,
    run: async (_given, { emit }) => {
      for (let line = 0; line < 30; line += 1) {
        if (line === 10 || line === 20)
          await until('told to go on', () => story.isAway === (line === 10))
        await emit(Buffer.from(`${line} `))
        story.told = line + 1
      }
      return { type: 'successful', values: {} }
    },
  })
}

/** A shop's end of it: commands alone, over a real broker. */
async function openStore(
  t: Test,
  options: { port: number; verbs: readonly GatewayVerb[]; sayAgain: boolean },
) {
  const journal = await journalIn(t.testdir())
  const connection = connectTo({ port: options.port })
  const downlink: Downlink = await Downlink.open({
    store: STORE,
    topics: TOPICS,
    keys: [HQ_KEY.publicKey],
    journal,
    connection,
    sink: dispatcher({
      verbs: [
        ...options.verbs,
        ...(options.sayAgain ? [sayAgainVerb((...said) => downlink.sayAgain(...said))] : []),
      ],
      terminals: countingSink(),
    }),
    deny: () => undefined,
    onDoubt: () => undefined,
    timeZone: 'UTC',
    clock: systemClock,
    random: systemRandom,
    clockState: () => 'synced',
    logger: silentLogger,
  })
  downlink.start()
  connection.start()
  await until('online', () => connection.state.type === 'online')
  const payload = encodeStatus({
    ...onlineStatus(),
    epoch: journal.epoch,
    commands: downlink.status,
  })
  await connection.publish({ topic: TOPICS.status(STORE), payload, retain: true })
  t.teardown(async () => {
    await downlink.stop()
    await connection.stop(500)
    await journal.close()
  })
}

async function tell(t: Test, sayAgain: boolean) {
  const broker = await startMosquitto()
  t.teardown(() => broker.stop())
  const story = { isAway: false, told: 0 }
  await openStore(t, { port: broker.port, verbs: [storyVerb(story)], sayAgain })
  const link = await openLinkFault({ target: broker.port })
  t.teardown(() => link.close())
  const client = new HqClient({
    address: { host: '127.0.0.1', port: link.port },
    topics: TOPICS,
    key: HQ_KEY,
    issuer: 'alice',
  })
  client.start()
  t.teardown(() => client.stop())
  let heard = ''
  const told = client.run({
    store: STORE,
    target: terminalId(GATEWAY_TERMINAL),
    verb: 'story',
    arguments: {},
    lifetimeMs: 60_000,
    patienceMs: 120_000,
    onChunk: bytes => {
      heard += Buffer.from(bytes).toString()
    },
  })
  await until('begun', () => heard.startsWith('0 1 2 '))
  link.pull()
  story.isAway = true
  await until('told to nobody', () => story.told === 20)
  link.restore()
  story.isAway = false
  return { outcome: (await told).outcome, heard }
}

t.jobs = 2

t.test(
  'what was said while HQ was away is asked for, and heard once and in order',
  { buffered: true },
  async t => {
    const { outcome, heard } = await tell(t, true)
    t.match(outcome, { type: 'successful' })
    t.equal(heard.trim(), Array.from({ length: 30 }, (_, line) => line).join(' '))
  },
)

t.test(
  'a gateway that does not know it any more: the answer is called incomplete',
  { buffered: true },
  async t => {
    const { outcome } = await tell(t, false)
    t.match(outcome, { type: 'failed', reason: 'unknown', detail: /a part of the answer was lost/ })
  },
)

t.test('a broker that refuses who asks ends the waiting at once', async t => {
  const broker = await startMosquitto({ config: ['allow_anonymous false'] })
  t.teardown(() => broker.stop())
  const client = new HqClient({
    address: {
      host: '127.0.0.1',
      port: broker.port,
      username: 'hq',
      password: 'wrong',
    },
    topics: TOPICS,
    key: HQ_KEY,
    issuer: 'a test',
  })
  t.teardown(() => client.stop())
  client.start()
  const hours = 3_600_000
  const { outcome } = await client.run({
    ...{ store: STORE, target: terminalId(GATEWAY_TERMINAL), verb: 'status', arguments: {} },
    ...{ lifetimeMs: hours, patienceMs: hours },
  })
  t.match(outcome, { type: 'failed', reason: 'expired', detail: /the broker refused/ })
})
