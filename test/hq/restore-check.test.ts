import t, { type Test } from 'tap'
import { FULL_ACCESS } from '../../gateway/broker/access-rules.js'
import { LocalBroker } from '../../gateway/broker/local-broker.js'
import { systemClock } from '../../gateway/core/clock.js'
import { type LedgerId, newLedgerId, type StoreId, storeId } from '../../gateway/core/ids.js'
import { silentLogger } from '../../gateway/core/log.js'
import { seededRandom, systemRandom } from '../../gateway/core/random.js'
import { HqServer } from '../../gateway/hq/hq-server.js'
import type { Ledger } from '../../gateway/hq/ledger.js'
import { RestoreCheck } from '../../gateway/hq/restore-check.js'
import type { MqttConnection } from '../../gateway/mqtt/connection.js'
import { encodeReceipt } from '../../gateway/wire/receipt.js'
import { online } from '../contract/mqtt-connection.js'
import { batchOf, makeEpoch } from '../support/chain.js'
import { ledgerWith } from '../support/ledger-with.js'
import { startMosquitto } from '../support/mosquitto.js'
import { connectTo } from '../support/mqtt.js'
import { STORE, sale } from '../support/sample.js'
import { ScriptedConnection } from '../support/scripted-connection.js'
import { freshDirectory, openHq, openLedger, TOPICS } from '../support/shop.js'
import { until } from '../support/until.js'

const epoch = makeEpoch({
  random: seededRandom(1),
  events: Array.from({ length: 9 }, (_, index) => sale({ number: index })),
})

/** A ledger that holds the first six records of `epoch`, and a broker to retain receipts. */
async function stage(t: Test, config: readonly string[] = []) {
  const broker = await startMosquitto({ config: ['allow_anonymous true', ...config] })
  t.teardown(() => broker.stop())
  const client = await connected(t, broker.port)
  const ledger = await openLedger(freshDirectory(t))
  t.teardown(() => ledger.close())
  await ledger.commit(batchOf(epoch, { first: 1, last: 6 }))
  return { port: broker.port, client, ledger }
}

async function connected(t: Test, port: number): Promise<MqttConnection> {
  const client = connectTo({ port })
  t.teardown(() => client.stop(500))
  await online(client)
  return client
}

async function retain(
  client: MqttConnection,
  told: { readonly ledger: LedgerId; readonly upTo: number; readonly store?: StoreId },
): Promise<void> {
  const { ledger, upTo, store = STORE } = told
  const epochs = [{ epoch: epoch.epoch, upTo, missing: [] }]
  const payload = encodeReceipt({ v: 1, ledger, epochs, credit: 8 })
  await client.publish({ topic: TOPICS.receipt(store), payload, retain: true })
}

async function run(connection: MqttConnection, ledger: Ledger): Promise<LedgerId | undefined> {
  const logger = silentLogger
  const check = new RestoreCheck({ ledger, connection, topics: TOPICS, logger, clock: systemClock })
  const word = Buffer.from(systemRandom.bytes(8)).toString('hex')
  return check.run(word, new AbortController().signal)
}

t.test('a receipt of this generation above the ledger: it was restored', async t => {
  const { client, ledger } = await stage(t)
  const present = (await ledger.generation()).ledger
  t.equal(await run(client, ledger), undefined, 'nothing is retained')
  await retain(client, { ledger: present, upTo: 6 })
  t.equal(await run(client, ledger), undefined, 'all of it is held')
  await retain(client, { ledger: newLedgerId(systemRandom), upTo: 9 })
  t.equal(await run(client, ledger), undefined, 'of another generation')
  await retain(client, { ledger: present, upTo: 7 })
  t.equal(await run(client, ledger), present)
  await ledger.renew(present)
  t.equal(await run(client, ledger), undefined, 'not again')
})

t.test('servers that start together on a restored ledger make one generation', async t => {
  const { port, client, ledger } = await stage(t)
  const before = (await ledger.generation()).ledger
  await retain(client, { ledger: before, upTo: 9 })
  const announced: string[] = []
  client.subscribe(TOPICS.ledger, ({ payload }) => {
    announced.push(JSON.parse(Buffer.from(payload).toString('utf8')).ledger)
  })
  const servers = [1, 2, 3].map(() => openHq(t, { port, ledger: ledgerWith(ledger, {}) }))
  await until('all serve', () => servers.every(({ hq }) => hq.status.receiving !== 'no'))
  await until('all have announced it', () => announced.length >= 3)
  const after = (await ledger.generation()).ledger
  t.not(after, before)
  t.same([...new Set(announced)], [after], 'none announced the old one')
})

function openHqOn(t: Test, connection: MqttConnection, ledger: Ledger): void {
  const tools = { clock: systemClock, random: systemRandom, logger: silentLogger }
  const hq = new HqServer({ ...tools, ledger, connection, topics: TOPICS })
  hq.start()
  t.teardown(() => hq.stop())
}

t.test('no receipt is sent before all that is retained was seen', async t => {
  const ledger = await openLedger(freshDirectory(t))
  t.teardown(() => ledger.close())
  const connection = new ScriptedConnection()
  openHqOn(t, connection, ledger)
  connection.start()
  await until('it asks', () => connection.published.length > 0)
  await connection.hear({
    topic: TOPICS.hello(STORE),
    payload: '{"v":1,"software":"","epochs":[]}',
  })
  t.ok(connection.published.every(({ topic }) => topic.startsWith('tb/hq/echo/')))
})

t.test('the retained receipts of 900 shops come before the echo; the last one decides', async t => {
  const { client, ledger } = await stage(t)
  const present = (await ledger.generation()).ledger
  const stores = Array.from({ length: 900 }, (_, index) => storeId(`store-${1000 + index}`))
  await Promise.all(stores.map(store => retain(client, { ledger: present, upTo: 0, store })))
  t.equal(await run(client, ledger), undefined)
  let asked = 0
  const slow = ledgerWith(ledger, {
    receipt: (store, held) => {
      asked += 1
      return ledger.receipt(store, held)
    },
  })
  await run(client, slow)
  t.equal(asked, 900, 'each was looked at')
})

t.test('aedes: retained receipts come before the echo, too', async t => {
  const broker = new LocalBroker({
    id: 'hq',
    listen: { host: '127.0.0.1', port: 0 },
    clients: [],
    anonymous: FULL_ACCESS,
    logger: silentLogger,
    random: systemRandom,
  })
  await broker.start()
  t.teardown(() => broker.stop())
  const client = await connected(t, broker.address?.port ?? 0)
  const ledger = await openLedger(freshDirectory(t))
  t.teardown(() => ledger.close())
  const present = (await ledger.generation()).ledger
  for (let index = 0; index < 100; index += 1)
    await retain(client, { ledger: present, upTo: 0, store: storeId(`store-${index}`) })
  await retain(client, { ledger: present, upTo: 9, store: storeId('store-x') })
  for (let round = 0; round < 3; round += 1) t.equal(await run(client, ledger), present)
})

t.test('a broker that hides the receipts: what was heard counts, after a while', async t => {
  const { port, client, ledger } = await stage(t)
  await retain(client, { ledger: (await ledger.generation()).ledger, upTo: 9 })
  const deaf = await connected(t, port)
  const began = performance.now()
  const mute: MqttConnection = {
    get state() {
      return deaf.state
    },
    onState: listener => deaf.onState(listener),
    subscribe: () => () => undefined,
    publish: message => deaf.publish(message),
    start: () => undefined,
    stop: timeoutMs => deaf.stop(timeoutMs),
  }
  t.equal(await run(mute, ledger), undefined)
  t.ok(performance.now() - began < 30_000)
})

t.test('a ledger that does not answer is no ledger that is up to date', async t => {
  const { client, ledger } = await stage(t)
  await retain(client, { ledger: (await ledger.generation()).ledger, upTo: 9 })
  const broken = ledgerWith(ledger, { receipt: () => Promise.reject(new Error('gone')) })
  await t.rejects(run(client, broken), { message: 'gone' })
})
