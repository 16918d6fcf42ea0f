import { cpSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { testReceivers } from '../contract/receivers.js'
import { errorLog } from '../support/error-log.js'
import { startMosquitto } from '../support/mosquitto.js'
import {
  freshDirectory,
  openHq,
  openLedger,
  openShop,
  sell,
  soldIn,
  upTo,
} from '../support/shop.js'
import { until } from '../support/until.js'

t.setTimeout(600_000)

// The embedded ledger has one process: two receivers in it share the one that is open.
testReceivers(t, async () => {
  const ledger = await openLedger(freshDirectory(t))
  return async () => ledger
})

t.test('two shops on copies of one journal: nothing is lost, and the alarm names both', async t => {
  const broker = await startMosquitto()
  t.teardown(() => broker.stop())
  const { port } = broker
  const ledger = await openLedger(freshDirectory(t))
  const { logger, errors } = errorLog()
  openHq(t, { port, ledger, logger })
  const directory = freshDirectory(t)
  const original = await openShop(t, { port, directory })
  await sell(original.journal, upTo(10))
  await until('all is confirmed', () => original.journal.statistics().backlog === 0)
  await original.close()
  const copy = freshDirectory(t)
  cpSync(directory, join(copy, 'journal'), { recursive: true })

  // As it would be: one client id, so the broker ends the one when the other connects.
  const shops = [
    await openShop(t, { port, directory }),
    await openShop(t, { port, directory: join(copy, 'journal') }),
  ]
  const epochs = shops.map(({ journal }) => journal.epoch)
  for (let round = 0; round < 20; round += 1)
    await Promise.all(
      shops.map(({ journal }, index) => sell(journal, [1000 * (index + 1) + round])),
    )
  await until('the alarm', () => errors.some(text => /are both live/.test(text)))
  const alarms = errors.filter(text => /are both live/.test(text))
  t.equal(alarms.length, 1)
  for (const epoch of epochs) t.match(alarms[0], epoch)
  const expected = [...upTo(10), ...upTo(1019, 1000), ...upTo(2019, 2000)]
  await until('all is there', async () => (await soldIn(ledger)).length === expected.length)
  t.same(await soldIn(ledger), expected)
})
