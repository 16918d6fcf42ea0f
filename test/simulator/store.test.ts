import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { loadConfig } from '../../gateway/config/load.js'
import { RateMeter } from '../../gateway/simulator/rate-meter.js'
import { lockDirectory } from '../../gateway/simulator/single-instance.js'
import { demoTerminals, shopYaml, storePaths } from '../../gateway/simulator/store.js'

t.test("the demo's configuration is one that `run` takes", t => {
  const dataDir = t.testdir()
  const terminals = demoTerminals(dataDir)
  const paths = storePaths(dataDir)
  const shop = { store: 'store-001', dataDir: paths.gateway, hqPort: 1884, brokerPort: 1885 }
  writeFileSync(paths.config, shopYaml({ ...shop, terminals }))
  const config = loadConfig({ file: paths.config, env: {} })
  if (!config.ok) throw new Error(config.error.join('\n'))
  t.equal(config.value.dataDir, paths.gateway)
  t.match(config.value.hq, { url: 'mqtt://127.0.0.1:1884', mode: 'ledger' })
  t.match(config.value.broker, { listen: { host: '127.0.0.1', port: 1885 }, clients: [] })
  t.same(
    config.value.terminals.map(({ id }) => id),
    ['register-1', 'register-2', 'scanner-1', 'scale-1', 'payment-1'],
  )
  t.end()
})

t.test('one process holds a directory; one that was killed does not', async t => {
  // A socket's path may not exceed 107 bytes, and the folders of a test are deep.
  const directory = mkdtempSync(join(tmpdir(), 'tillbridge-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const first = await lockDirectory(directory)
  t.ok(first)
  t.equal(await lockDirectory(directory), undefined)
  await first?.release()
  writeFileSync(join(directory, 'start.sock'), '')
  const next = await lockDirectory(directory)
  t.ok(next)
  await next?.release()
})

t.test('the rate counts the last minute only', t => {
  const meter = new RateMeter()
  t.equal(meter.perMinute, 0)
  for (let second = 0; second <= 300; second += 1) meter.note(second * 2, second * 1000)
  t.equal(meter.perMinute, 120)
  for (let second = 301; second <= 360; second += 1) meter.note(600, second * 1000)
  t.equal(meter.perMinute, 0)
  t.end()
})
