import { join } from 'node:path'
import t from 'tap'
import { journalIn } from '../journal/open.js'
import { MqttTill } from '../support/mqtt-till.js'
import { inOwnMounts, SmallDisk } from '../support/small-disk.js'
import { until } from '../support/until.js'
import { saleEvent, startSelling, TILL, TOPIC } from './selling.js'

inOwnMounts()

t.test('a disk without room: no PUBACK; with room again each sale is there once', async t => {
  const disk = new SmallDisk(t, { mib: 32 })
  const journal = await journalIn(join(disk.directory, 'journal'))
  t.teardown(() => journal.close())
  const shop = await startSelling(t, { journal })
  /** Whether it was acknowledged; else its connection was closed. */
  const sell = async (number: number, isRepeat: boolean): Promise<boolean> => {
    const till = await MqttTill.at(shop.port, TILL)
    till.publish({ topic: TOPIC, payload: saleEvent(number), isRepeat })
    await until('an answer', () => till.isClosed || till.acknowledged.length === 1)
    till.close()
    return till.acknowledged.length === 1
  }
  t.ok(await sell(1, false))
  disk.fill({ leaving: 0 })
  let number = 1
  // What the last block of the log has room for is still taken, and acknowledged rightly.
  do number += 1
  while (await sell(number, false))
  t.notOk(await sell(number, true), `sale ${number} is refused, and again`)
  disk.free()
  await until('it is taken', () => sell(number, true))
  t.ok(await sell(number, true), 'a repeat of what is there')
  const sales = await shop.events('sale.completed')
  t.strictSame(
    sales.map(({ subject }) => Number(subject)),
    Array.from({ length: number }, (_, index) => index + 1),
  )
})
