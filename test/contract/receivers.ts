import type { Test } from 'tap'
import type { Ledger } from '../../gateway/hq/ledger.js'
import type { Journal } from '../../gateway/journal/journal.js'
import type { MqttConnection, MqttMessage } from '../../gateway/mqtt/connection.js'
import { decodeReceipt } from '../../gateway/wire/receipt.js'
import { connectionWith } from '../support/connection-with.js'
import { journalWith } from '../support/faulty-journal.js'
import { startMosquitto } from '../support/mosquitto.js'
import { STORE } from '../support/sample.js'
import { openHq, openShop, sell, soldIn, TOPICS, upTo } from '../support/shop.js'
import { until } from '../support/until.js'

/** Opens one more ledger on the same database, as another process would, or the same one again. */
export type OpenAnother = () => Promise<Ledger>

/** Several receivers on one database: what holds whatever the database is. */
export function testReceivers(t: Test, open: () => Promise<OpenAnother>): void {
  testSharing(t, open)
  testCrossing(t, open)
  testRenewal(t, open)
}

function testSharing(t: Test, open: () => Promise<OpenAnother>): void {
  t.test('two receivers share the batches of a shop, each once in the ledger', async t => {
    const { port } = await brokerOf(t, ['max_packet_size 3000'])
    const another = await open()
    const ledgers = [await another(), await another()]
    const servers = ledgers.map(ledger => openHq(t, { port, ledger }))
    const received = (): readonly number[] => servers.map(({ hq }) => hq.status.receiver.batches)
    await until('both share', () => servers.every(({ hq }) => hq.status.receiving === 'shared'))
    const shop = await openShop(t, { port })
    await sell(shop.journal, upTo(400))
    await until('all is confirmed', () => shop.journal.statistics().backlog === 0)
    t.ok(
      received().every(batches => batches > 2),
      `${received()} batches`,
    )
    const repeated = servers.reduce((sum, { hq }) => sum + hq.status.receiver.repeated, 0)
    t.ok(repeated < 200, `${repeated} of 401 came twice, where all would if nothing was shared`)
    const [ledger] = ledgers
    t.same(ledger === undefined ? [] : await soldIn(ledger), upTo(400))

    await servers[0]?.close()
    await sell(shop.journal, upTo(500, 401))
    await until('the other goes on', () => shop.journal.statistics().backlog === 0)
    t.same(shop.uplink.status, { state: 'online' })
  })
}

function testCrossing(t: Test, open: () => Promise<OpenAnother>): void {
  t.test('receipts that cross go down, and heal', async t => {
    const { port } = await brokerOf(t)
    const another = await open()
    const withheld: (() => Promise<void>)[] = []
    let isWithholding = false
    const flaw = (connection: MqttConnection): MqttConnection =>
      connectionWith(connection, async message => {
        if (message.topic !== TOPICS.receipt(STORE) || !isWithholding)
          return connection.publish(message)
        isWithholding = false
        withheld.push(() => connection.publish(message))
      })
    const slow = openHq(t, { port, ledger: await another(), flaw })
    const backlogs: number[] = []
    const noting = (journal: Journal): Journal =>
      journalWith(journal, {
        confirm: async (epochs, asked) => {
          await journal.confirm(epochs, asked)
          backlogs.push(journal.statistics().backlog)
        },
      })
    const shop = await openShop(t, { port, patience: { receiptMs: 60_000 }, flaw: noting })
    await until('the shop is served', () => shop.uplink.status.state === 'online')
    isWithholding = true
    await sell(shop.journal, upTo(5))
    await until('its receipt is on its way', () => withheld.length === 1)
    const ledger = await another()
    openHq(t, { port, ledger })
    await sell(shop.journal, upTo(30, 6))
    await until('all is confirmed', () => shop.journal.statistics().backlog === 0)
    backlogs.length = 0
    await withheld[0]?.()
    await until('the old one is believed', () => backlogs.some(backlog => backlog > 0))
    await until('all is confirmed again', () => shop.journal.statistics().backlog === 0)
    t.same(await soldIn(ledger), upTo(30))
    await slow.close()
  })
}

function testRenewal(t: Test, open: () => Promise<OpenAnother>): void {
  t.test('a new generation made by one receiver is what the other sends', async t => {
    const { port } = await brokerOf(t)
    const another = await open()
    const ledgers = [await another(), await another()]
    const named: string[] = []
    const flaw = (connection: MqttConnection): MqttConnection =>
      connectionWith(connection, async message => {
        const receipt = receiptIn(message)
        if (receipt !== undefined) named.push(receipt.ledger)
        await connection.publish(message)
      })
    const servers = ledgers.map(ledger => openHq(t, { port, ledger, flaw }))
    await until('both serve', () => servers.every(({ hq }) => hq.status.receiving !== 'no'))
    const shop = await openShop(t, { port })
    await sell(shop.journal, upTo(5))
    await until('all is confirmed', () => shop.journal.statistics().backlog === 0)
    const before = await ledgers[0]?.generation()
    if (before === undefined) throw new Error('no ledger')
    const after = await ledgers[0]?.renew(before.ledger)
    named.length = 0
    await sell(shop.journal, upTo(60, 6))
    await until('all is confirmed', () => shop.journal.statistics().backlog === 0)
    t.ok(named.length > 0)
    t.same([...new Set(named)], [after?.ledger])
  })
}

async function brokerOf(t: Test, config: readonly string[] = []) {
  const broker = await startMosquitto({ config: ['allow_anonymous true', ...config] })
  t.teardown(() => broker.stop())
  return broker
}

function receiptIn({ topic, payload }: MqttMessage) {
  if (topic !== TOPICS.receipt(STORE)) return undefined
  const receipt = decodeReceipt(Buffer.from(payload))
  return receipt.ok ? receipt.value : undefined
}
