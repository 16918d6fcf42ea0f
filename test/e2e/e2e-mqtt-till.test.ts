import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { stringify } from 'yaml'
import { z } from 'zod'
import { systemClock } from '../../gateway/core/clock.js'
import { CHEAP_HASH, saleEvent, TILL } from '../broker/selling.js'
import { freePort, startMosquitto } from '../support/mosquitto.js'
import { MqttTill } from '../support/mqtt-till.js'
import { ended, MAIN, startProgram } from '../support/program.js'
import { below, newRandom } from '../support/sample.js'
import { freshDirectory } from '../support/shop.js'
import { until } from '../support/until.js'

const SALES = 24
const KILLS = 2
const TOPIC = 'shop/till-4/sale'

t.setTimeout(300_000)

const row = z.object({
  kind: z.string(),
  header: z.object({ type: z.string() }),
  event: z.string(),
})
const event = z.object({ data: z.object({ receiptNumber: z.string() }) })

/** Receipt numbers of the ledger's sales, each as often as it stands there. */
function receiptsOf(lines: string): readonly number[] {
  return lines
    .split('\n')
    .filter(line => line.includes('"sale.completed"'))
    .map(line => row.parse(JSON.parse(line)))
    .filter(({ kind, header }) => kind === 'event' && header.type === 'sale.completed')
    .map(one => Number(event.parse(JSON.parse(one.event)).data.receiptNumber))
}

t.test('what an MQTT till saw acknowledged is in the ledger once, over kills', async t => {
  const random = newRandom(t)
  const folder = freshDirectory(t)
  const broker = await startMosquitto()
  t.teardown(() => broker.stop())
  const url = `mqtt://127.0.0.1:${broker.port}`
  const ledger = ['--data', join(folder, 'hq')]
  startProgram(t, [process.execPath, MAIN, 'hq', ...ledger, '--broker', url])
  const port = await freePort()
  const config = join(folder, 'shop.yaml')
  const file = {
    store: 'store-001',
    dataDir: join(folder, 'data'),
    hq: { url },
    broker: {
      listen: `127.0.0.1:${port}`,
      clients: [{ name: TILL.username, passwordHash: CHEAP_HASH }],
    },
    terminals: [
      {
        id: 'till-4',
        profile: 'generic/cloud-events-till',
        firmware: '1.0',
        line: { mqtt: { client: TILL.username, topic: TOPIC } },
      },
    ],
  }
  writeFileSync(config, stringify(file))
  const start = () => startProgram(t, [process.execPath, MAIN, 'run', '--config', config])
  let gateway = start()
  let till: MqttTill | undefined
  const isAcknowledged = (number: number): boolean => till?.acknowledged.includes(number) === true
  /** As a till does: connected again, the sale is said again, until it is acknowledged. */
  const sell = async (number: number): Promise<void> => {
    for (let tries = 0; !isAcknowledged(number); tries += 1) {
      if (till === undefined || till.isClosed)
        till = await MqttTill.at(port, TILL).catch(() => undefined)
      const message = { topic: TOPIC, payload: saleEvent(number), id: number }
      till?.publish({ ...message, isRepeat: tries > 0 })
      const here = till
      if (here === undefined) await systemClock.sleep(50)
      else await until('answered, or gone', () => here.isClosed || isAcknowledged(number))
    }
  }
  const killAt = new Set(Array.from({ length: KILLS }, () => 2 + below(random, SALES - 2)))
  for (let number = 1; number <= SALES; number += 1) {
    const sold = sell(number)
    if (killAt.has(number)) {
      await systemClock.sleep(below(random, 8))
      const gone = once(gateway, 'exit')
      gateway.kill('SIGKILL')
      await gone
      gateway = start()
    }
    await sold
  }
  const all = Array.from({ length: SALES }, (_, index) => index + 1)
  const exported = async () =>
    (await ended(startProgram(t, [process.execPath, MAIN, 'hq', 'export', ...ledger]))).stdout
  const has = (numbers: readonly number[]): boolean => new Set(numbers).size === SALES
  await until('all of it is there', async () => has(receiptsOf(await exported())))
  const found = [...receiptsOf(await exported())].sort((a, b) => a - b)
  t.same(found, all, 'each once')
})
