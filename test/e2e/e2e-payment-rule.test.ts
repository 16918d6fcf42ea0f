import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { stringify } from 'yaml'
import { systemClock } from '../../gateway/core/clock.js'
import { SupervisedProcess } from '../../gateway/simulator/supervised-process.js'
import { type CommandReport, decodeReport } from '../../gateway/wire/command.js'
import { startMosquitto } from '../support/mosquitto.js'
import { connectTo } from '../support/mqtt.js'
import { MAIN } from '../support/program.js'
import { receipt } from '../support/receipt.js'
import { TerminalServer } from '../support/terminal-server.js'
import { until } from '../support/until.js'
import { dialectOf } from '../terminal/shop.js'
import { WitnessedTerminal } from '../torture/witnessed-terminal.js'

t.setTimeout(300_000)

/** A till and a payment terminal that know of each other by a rule of the shop alone. */
async function openShop(t: Test) {
  const folder = t.testdir()
  const broker = await startMosquitto()
  t.teardown(() => broker.stop())
  const till = await TerminalServer.listen()
  t.teardown(() => till.close())
  const log = join(folder, 'terminal.log')
  const terminal = await WitnessedTerminal.listen({ log, keepsUnanswered: true })
  t.teardown(() => terminal.stop())
  const lineTo = (port: number) => ({ tcp: { host: '127.0.0.1', port } })
  const config = join(folder, 'shop.yaml')
  const shop = {
    store: 'store-001',
    dataDir: join(folder, 'data'),
    hq: { url: `mqtt://127.0.0.1:${broker.port}`, mode: 'direct' },
    broker: 'off',
    terminals: [
      {
        id: 'register-1',
        profile: 'tillbridge/reference-till',
        firmware: '1.0',
        line: lineTo(till.port),
      },
      {
        id: 'payment-2',
        profile: 'zvt/terminal',
        firmware: '2.0.9',
        line: lineTo(terminal.port),
      },
    ],
    payments: [{ from: 'register-1', tender: 'card', terminal: 'payment-2', currency: 'EUR' }],
  }
  writeFileSync(config, stringify(shop))
  const reports: CommandReport[] = []
  const hq = connectTo({ port: broker.port, clientId: 'hq' })
  hq.subscribe('tillbridge/1/store-001/up/outcome/+', async ({ payload }) => {
    const report = decodeReport(payload)
    if (report.ok) reports.push(report.value)
  })
  hq.start()
  t.teardown(() => hq.stop(500))
  const gateway = new SupervisedProcess({
    args: [MAIN, 'run', '--config', config],
    env: {},
    logPath: join(folder, 'gateway.log'),
    clock: systemClock,
  })
  gateway.start()
  t.teardown(() => gateway.stop(5_000))
  /** How each order ended, by its id. */
  const ends = () =>
    new Map(reports.flatMap(one => (one.state === 'ended' ? [[one.id, one.outcome] as const] : [])))
  return { till, terminal, gateway, ends }
}

t.test('a card tender on a receipt is paid at the terminal once, also over a kill', async t => {
  const { till, terminal, gateway, ends } = await openShop(t)
  const dialect = await dialectOf('tillbridge/reference-till', '1.0')
  const sale = (number: number, amount: number, type: 'card' | 'cash' = 'card') =>
    dialect.encode('sale', { ...receipt(number, amount), tenders: [{ type, amount }] })
  const sell = async (number: number) => t.ok(await till.deliver(sale(number, 700 + number)))
  const paid = (number: number) =>
    terminal.paid(700 + number).filter(({ state }) => state === 'kept').length
  // One that is not registered yet takes no payment, and the sale stands all the same.
  let last = 0
  await until('the terminal is ready', async () => {
    last += 1
    await sell(last)
    await until('it ended', () => ends().size === last)
    return terminal.asked > 0
  })
  t.match([...ends().values()].at(-1), { values: { amountMinor: 700 + last } })
  await sell(last)
  t.ok(await till.deliver(sale(last + 1, 1, 'cash')), 'no tender of the rule')
  const killed = last + 2
  terminal.onWire = () => {
    if (terminal.asked === 2 && gateway.kill('SIGKILL')) terminal.onWire = () => undefined
  }
  await sell(killed)
  await until('the next start has found out', () => ends().size === last + 1)
  await sell(killed)
  await until('the terminal is ready again', async () => {
    const before = ends().size
    await sell(killed + before)
    await until('it ended', () => ends().size > before)
    return terminal.asked > 2
  })
  t.equal(terminal.asked, 3, 'once before the kill, once in it, once behind it')
  t.strictSame([paid(last), terminal.paid(1).length], [1, 0])
  const outcome = [...ends().values()][last]
  t.equal(
    outcome?.type === 'successful',
    paid(killed) === 1,
    'what is said of the killed one is so',
  )
})
