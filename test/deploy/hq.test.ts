import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { z } from 'zod'
import { ledgerAt } from '../hq/postgres/open.js'
import { freePort } from '../support/mosquitto.js'
import { startPostgres } from '../support/postgres.js'
import { until } from '../support/until.js'

const FOLDER = 'deploy/hq'
const read = (name: string): string => readFileSync(join(FOLDER, name), 'utf8')

t.test('Compose takes the file, and every file that it mounts is here or a secret', async t => {
  execFileSync('docker-compose', ['--file', join(FOLDER, 'docker-compose.yml'), 'config', '-q'])
  const { services } = z
    .object({ services: z.record(z.string(), z.object({ volumes: z.array(z.string()) })) })
    .parse(parse(read('docker-compose.yml'), { merge: true }))
  const mounted = Object.values(services)
    .flatMap(({ volumes }) => volumes)
    .filter(volume => volume.startsWith('./'))
    .map(volume => volume.split(':')[0] ?? '')
  t.ok(mounted.length > 10)
  for (const path of mounted.filter(path => !path.startsWith('./secrets/')))
    t.ok(existsSync(join(FOLDER, path)), path)
  const described = read('README.md')
  for (const path of mounted.filter(path => path.startsWith('./secrets/')))
    t.ok(described.includes(path.slice(2)), `${path}: README.md says how it is made`)
})

const target = z.object({ rawSql: z.string() })
const board = z.object({ panels: z.array(z.object({ targets: z.array(target) })) })
const rules = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        // Of a shop in order nothing is said, and that must not ring.
        z.object({ noDataState: z.literal('OK'), data: z.array(z.object({ model: target })) }),
      ),
    }),
  ),
})

t.test('the ledger answers what dashboards and alert rules ask', async t => {
  const postgres = await startPostgres()
  t.teardown(() => postgres.stop())
  const url = await postgres.url('hq')
  const ledger = await ledgerAt(url)
  t.teardown(() => ledger.close())
  const boards = readdirSync(join(FOLDER, 'grafana/dashboards'))
    .filter(name => name.endsWith('.json'))
    .flatMap(name => board.parse(JSON.parse(read(`grafana/dashboards/${name}`))).panels)
    .flatMap(({ targets }) => targets)
  const alerts = rules
    .parse(parse(read('grafana/alerting/rules.yaml')))
    .groups.flatMap(group => group.rules)
    .flatMap(({ data }) => data.map(({ model }) => model))
  t.ok(boards.length > 5)
  t.ok(alerts.length > 2)
  for (const { rawSql } of [...boards, ...alerts]) {
    // As Grafana writes its one macro that is used.
    const sql = rawSql.replaceAll(/\$__timeFilter\((\w+)\)/g, '$1 BETWEEN now() AND now()')
    t.ok(await postgres.query(url, sql), rawSql)
  }
})

t.test('a store speaks for itself alone, on the broker as it is configured here', async t => {
  const folder = t.testdir({})
  const script = resolve(FOLDER, 'secrets.sh')
  const hosts = ['localhost', 'store-001', 'store-002']
  execFileSync(script, hosts, { cwd: folder })
  const passwords = readFileSync(join(folder, 'secrets/broker/passwords'), 'utf8')
  execFileSync(script, hosts, { cwd: folder })
  t.equal(readFileSync(join(folder, 'secrets/broker/passwords'), 'utf8'), passwords, 'once')

  const port = await freePort()
  const config = read('mosquitto.conf')
    .replace('listener 8883', `listener ${port} 127.0.0.1`)
    .replaceAll('/mosquitto/secrets', join(folder, 'secrets/broker'))
    .replace('/mosquitto/config/acl', resolve(FOLDER, 'acl'))
    .replace('persistence true', 'persistence false\nuser root')
    .replace(/^persistence_location.*$/m, '')
  writeFileSync(join(folder, 'mosquitto.conf'), config)
  const broker = spawn('mosquitto', ['-c', join(folder, 'mosquitto.conf')], { stdio: 'ignore' })
  t.teardown(() => broker.kill())
  const as = (user: string, file: string): readonly string[] => [
    ...['-h', 'localhost', '-p', String(port), '-u', user],
    ...['-P', readFileSync(join(folder, 'secrets', file), 'utf8').trim()],
    ...['--cafile', join(folder, 'secrets/broker/ca.pem'), '-V', '5', '-q', '1'],
  ]
  const publish = (user: string, file: string, topic: string): boolean => {
    const said = ['-t', `tillbridge/1/${topic}`, '-m', `by ${user}`]
    const { stderr } = spawnSync('mosquitto_pub', [...as(user, file), ...said], {
      encoding: 'utf8',
    })
    return stderr === ''
  }
  const store = ['store-001', 'stores/store-001.password'] as const
  await until('the broker takes it', () => publish(...store, 'store-001/up/hello'))
  for (const [topic, isAllowed] of [
    ['store-001/up/journal', true],
    ['store-002/up/journal', false],
    ['store-001/down/receipt', false],
    ['hq/ledger', false],
  ] as const)
    t.equal(publish(...store, topic), isAllowed, topic)
  t.ok(publish('hq', 'hq.password', 'store-001/down/receipt'))
  t.notOk(publish('listener', 'listener.password', 'store-001/up/hello'))
})
