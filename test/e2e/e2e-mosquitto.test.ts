import { spawn } from 'node:child_process'
import t from 'tap'
import { z } from 'zod'
import { TestShop } from '../support/test-shop.js'
import { until } from '../support/until.js'

const SALES = 150
const published = z.object({ type: z.string(), source: z.string(), id: z.string() })

t.setTimeout(600_000)

t.test('mosquitto_sub on a real mosquitto hears every sale from HQ', async t => {
  const tills = [{ id: 'register-1', model: 'lrc', sales: SALES, perMinute: 3_000 }] as const
  const shop = await TestShop.start({ tills, seed: 5 })
  t.teardown(() => shop.stop())
  const args = ['-h', '127.0.0.1', '-p', String(shop.brokerPort), '-q', '1']
  const topic = ['-v', '-t', 'tillbridge/1/+/events/#']
  const listener = spawn('mosquitto_sub', [...args, ...topic])
  t.teardown(() => listener.kill())
  let heard = ''
  listener.stdout.setEncoding('utf8').on('data', text => {
    heard += text
  })
  const selling = shop.sell()
  await until('sales are heard', () => salesIn(heard).length > 20)
  // Killed between commit and fan-out it publishes again: HQ's subscribers hear at least once.
  shop.ledger.kill('SIGKILL')
  t.same(await selling, [0], 'the till sold all')
  const distinct = (): Set<string> => new Set(salesIn(heard))
  await until('every sale is heard', () => distinct().size === SALES)
  t.equal(distinct().size, SALES, 'as many distinct (source, id) as sales')
  t.comment(`${salesIn(heard).length - SALES} repeats`)
  const isOurs = heard
    .split('\n')
    .every(line => line === '' || line.startsWith('tillbridge/1/store-001/'))
  t.ok(isOurs, 'on the topics of the store')
})

/** Source and id of every sale in the output of `mosquitto_sub -v`; an unfinished line waits. */
function salesIn(output: string): string[] {
  return output
    .split('\n')
    .slice(0, -1)
    .map(line => published.parse(JSON.parse(line.slice(line.indexOf(' ')))))
    .filter(({ type }) => type === 'sale.completed')
    .map(({ source, id }) => `${source} ${id}`)
}
