import type { Test } from 'tap'
import type { HqServer } from '../../gateway/hq/hq-server.js'
import type { Ledger } from '../../gateway/hq/ledger.js'
import type { Journal } from '../../gateway/journal/journal.js'
import type { MqttConnection, MqttMessage } from '../../gateway/mqtt/connection.js'
import { decodeReceipt, type Receipt } from '../../gateway/wire/receipt.js'
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
    const repeated = repeatedBy(servers)
    t.ok(repeated < 200, `${repeated} of 401 came twice, where all would if nothing was shared`)
    const [ledger] = ledgers
    t.same(ledger === undefined ? [] : await soldIn(ledger), upTo(400))

    await servers[0]?.close()
    await sell(shop.journal, upTo(500, 401))
    await until('the other goes on', () => shop.journal.statistics().backlog === 0)
    await until('the shop knows', () => shop.uplink.status.state === 'online')
    t.same(shop.uplink.status, { state: 'online' })
  })
}

function testCrossing(t: Test, open: () => Promise<OpenAnother>): void {
  t.test('receipts that cross go down, and heal', async t => {
    const { port } = await brokerOf(t)
    const another = await open()
    const held: (() => Promise<void>)[] = []
    const count = { announced: 0, sent: 0, heard: 0 }
    let isHolding = false
    const flaw = (connection: MqttConnection): MqttConnection =>
      connectionWith(connection, async message => {
        const publish = (): Promise<void> => connection.publish(message)
        const isReceipt = message.topic === TOPICS.receipt(STORE)
        if (isReceipt && isHolding) {
          held.push(publish)
          return
        }
        if (isReceipt) count.sent += 1
        await publish()
        if (message.topic === TOPICS.ledger) count.announced += 1
      })
    const ledgers = [await another(), await another()]
    const servers = ledgers.map(ledger => openHq(t, { port, ledger, flaw }))
    // The shop starts over at an announcement, and while it does so it hears no receipt.
    await until('both are announced', () => count.announced === 2)
    const hearing = (journal: Journal): Journal =>
      journalWith(journal, {
        confirm: async (epochs, asked) => {
          await journal.confirm(epochs, asked)
          count.heard += 1
        },
      })
    const shop = await openShop(t, { port, patience: { receiptMs: 600_000 }, flaw: hearing })
    const backlog = (): number => shop.journal.statistics().backlog
    await until('the shop is served', () => shop.uplink.status.state === 'online')
    isHolding = true
    await sell(shop.journal, upTo(5))
    await until('its receipt is on its way', () => held.length > 0)
    const [old] = held.splice(0)
    isHolding = false
    await sell(shop.journal, upTo(30, 6))
    await until('all is confirmed', () => backlog() === 0)
    isHolding = true
    await until('the old one alone is on its way', () => count.heard === count.sent)
    const before = repeatedBy(servers)
    await old?.()
    await until('it is believed', () => backlog() > 0)
    await until('what it took back is sent again', () => repeatedBy(servers) > before)
    isHolding = false
    await Promise.all(held.map(publish => publish()))
    await until('all is confirmed again', () => backlog() === 0)
    const [ledger] = ledgers
    t.same(ledger === undefined ? [] : await soldIn(ledger), upTo(30))
  })
}

function testRenewal(t: Test, open: () => Promise<OpenAnother>): void {
  t.test('a new generation made by one receiver is what the other sends', async t => {
    const { port } = await brokerOf(t)
    const another = await open()
    const servers = [await another(), await another()].map(ledger => {
      const receipts: Receipt[] = []
      const flaw = (connection: MqttConnection): MqttConnection =>
        connectionWith(connection, async message => {
          const receipt = receiptIn(message)
          if (receipt !== undefined) receipts.push(receipt)
          await connection.publish(message)
        })
      return { ledger, receipts, ...openHq(t, { port, ledger, flaw }) }
    })
    await until('both serve', () => servers.every(({ hq }) => hq.status.receiving !== 'no'))
    const shop = await openShop(t, { port })
    let sold = 0
    const sellUntil = (name: string, condition: () => boolean): Promise<void> =>
      until(name, async () => {
        sold += 1
        await sell(shop.journal, [sold])
        return condition()
      })
    await sellUntil('both send', () => servers.every(({ receipts }) => receipts.length > 0))
    const [ledger] = servers.map(each => each.ledger)
    if (ledger === undefined) throw new Error('no ledger')
    const before = await ledger.generation()
    const after = await ledger.renew(before.ledger)
    const end = shop.journal.end
    // One that was being made meanwhile may still name the old, but speaks of nothing sold since.
    const since = () =>
      servers.map(({ receipts }) =>
        receipts.filter(({ epochs }) => epochs.some(({ upTo }) => upTo > end.seq)),
      )
    await sellUntil('both send again', () => since().every(receipts => receipts.length > 0))
    await until('all is confirmed', () => shop.journal.statistics().backlog === 0)
    const named = since().flatMap(receipts => receipts.map(({ ledger }) => ledger))
    t.same([...new Set(named)], [after.ledger])
  })
}

/** Positions that came again. */
function repeatedBy(servers: readonly { readonly hq: HqServer }[]): number {
  return servers.reduce((sum, { hq }) => sum + hq.status.receiver.repeated, 0)
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
