import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { stringify } from 'yaml'
import { startMosquitto } from '../support/mosquitto.js'
import { MAIN, startProgram } from '../support/program.js'
import { receipt } from '../support/receipt.js'
import { TerminalServer } from '../support/terminal-server.js'
import { until } from '../support/until.js'
import { dialectOf } from '../terminal/shop.js'

t.setTimeout(300_000)

/** As whom balena's supervisor takes the update lock before it stops a service. */
const NOBODY = 65534

async function openShop(t: Test) {
  const folder = t.testdir({ balena: {} })
  const dataDir = join(folder, 'data')
  const lock = join(folder, 'balena/updates.lock')
  const broker = await startMosquitto()
  t.teardown(() => broker.stop())
  const tills = await Promise.all([1, 2, 3].map(() => TerminalServer.listen()))
  t.teardown(() => tills.map(till => till.close()))
  const terminals = tills.map(({ port }, index) => ({
    id: `till-${index + 1}`,
    profile: 'tillbridge/reference-till',
    firmware: '1.0',
    line: { tcp: { host: '127.0.0.1', port } },
  }))
  const hq = { url: `mqtt://127.0.0.1:${broker.port}` }
  const config = join(folder, 'shop.yaml')
  const shop = { store: 'store-001', dataDir, hq, broker: 'off', updates: { lock }, terminals }
  writeFileSync(config, stringify(shop))
  const gateway = startProgram(t, [process.execPath, MAIN, 'run', '--config', config])
  let log = ''
  gateway.stdout.on('data', chunk => {
    log += chunk
  })
  const isOnline = (): boolean => log.includes('connected to the broker')
  const sold = (): ReadonlySet<string> => {
    const list = [MAIN, 'journal', 'list', dataDir, '--type', 'sale.completed']
    const lines = execFileSync(process.execPath, list, { encoding: 'utf8' }).split('\n')
    return new Set(lines.map(line => line.replace(/.*(till-\d).* (\d{6})\b.*/, '$1 $2')))
  }
  return { gateway, isOnline, broker, tills, dataDir, lock, sold }
}

t.test('before it ends terminals are told to wait, and what they were told stands', async t => {
  const { gateway, isOnline, broker, tills, dataDir, lock, sold } = await openShop(t)
  const dialect = await dialectOf('tillbridge/reference-till', '1.0')
  const sale = (number: number) => dialect.encode('sale', receipt(number))
  const [first] = tills
  if (first === undefined) throw new Error('no till')
  t.ok(await first.deliver(sale(1)))

  writeFileSync(lock, '')
  chownSync(lock, NOBODY, NOBODY)
  await until('an update is announced', async () => !(await first.deliver(sale(2))))
  rmSync(lock)
  await until('it was called off', () => first.deliver(sale(2)))

  await until('HQ is there', isOnline)
  const ended = once(gateway, 'exit')
  const told = tills.map(() => ({ taken: [] as number[], refused: 0 }))
  const isOver = (): boolean => gateway.exitCode !== null || gateway.signalCode !== null
  const selling = tills.map(async (till, index) => {
    const mine = told[index]
    for (let number = 10; mine !== undefined && !isOver(); number += 1) {
      const isTaken = await till.offer(sale(number), isOver)
      if (isTaken === true) mine.taken.push(number)
      if (isTaken === false) mine.refused += 1
    }
  })
  await until('all sell', () => told.every(({ taken }) => taken.length > 3))
  // It waits for HQ to hear its farewell.
  broker.freeze()
  gateway.kill('SIGTERM')
  t.strictSame(await ended, [0, null])
  await Promise.all(selling)

  t.ok(
    told.some(({ refused }) => refused > 0),
    'a till heard that it has to wait',
  )
  const kept = sold()
  for (const [index, { taken, refused }] of told.entries()) {
    t.strictSame(
      taken.filter(n => !kept.has(`till-${index + 1} ${String(n).padStart(6, '0')}`)),
      [],
      `what till ${index + 1} was told is taken; ${taken.length} taken, ${refused} refused`,
    )
  }
  t.notOk(readdirSync(dataDir).includes('quarantine'))
  execFileSync(process.execPath, [MAIN, 'journal', 'verify', dataDir], { stdio: 'ignore' })
})
