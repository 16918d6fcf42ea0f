import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { z } from 'zod'
import { ledgerAt } from '../hq/postgres/open.js'
import { startHqBroker } from '../support/hq-broker.js'
import { startPostgres } from '../support/postgres.js'

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

t.test(
  'a store speaks for itself alone, and the fleet only asks: the broker as it is here',
  async t => {
    const broker = await startHqBroker(t, ['store-001', 'store-002'])
    const passwords = join(broker.folder, 'secrets/broker/passwords')
    const before = readFileSync(passwords, 'utf8')
    const hosts = ['localhost', 'store-001', 'store-002']
    execFileSync(resolve(FOLDER, 'secrets.sh'), hosts, { cwd: broker.folder })
    t.equal(readFileSync(passwords, 'utf8'), before, 'made once')
    const revocations = join(broker.authority, 'public/crl.pem')
    writeFileSync(revocations, 'what HQ revoked')
    execFileSync(resolve(FOLDER, 'secrets.sh'), hosts, { cwd: broker.folder })
    t.equal(readFileSync(revocations, 'utf8'), 'what HQ revoked')
    for (const name of ['listener', 'hq', 'enrol', 'Store_1']) {
      const said = spawnSync(resolve(FOLDER, 'secrets.sh'), ['localhost', name], {
        ...{ cwd: broker.folder, encoding: 'utf8' },
      })
      t.match(said, { status: 2, stderr: new RegExp(`'${name}' is no store's id`) })
    }
    const as = (user: string): readonly string[] => [
      ...['-h', 'localhost', '-p', String(broker.port), '-u', user, '-P', broker.password(user)],
      ...['--cafile', broker.caFile, '-V', '5', '-q', '1'],
    ]
    const publish = (user: string, topic: string): boolean => {
      const said = ['-t', `tillbridge/1/${topic}`, '-r', '-m', `by ${user}`]
      const { stderr } = spawnSync('mosquitto_pub', [...as(user), ...said], { encoding: 'utf8' })
      return stderr === ''
    }
    /** Which of these, retained, it is told of first. */
    const hears = (user: string, topics: readonly string[]): string => {
      for (const topic of topics) t.ok(publish('hq', topic), `hq writes ${topic}`)
      const from = topics.flatMap(topic => ['-t', `tillbridge/1/${topic}`])
      const args = [...as(user), ...from, '-C', '1', '-W', '60', '-F', '%t']
      return spawnSync('mosquitto_sub', args, { encoding: 'utf8' }).stdout.trim()
    }
    const device = 'enrol/3f9a-77c1-02be-9d10-aa34'
    const writes: readonly (readonly [string, string, boolean])[] = [
      ['store-001', 'store-001/up/journal', true],
      ['store-001', 'store-002/up/journal', false],
      ['store-001', 'store-001/down/receipt', false],
      ['store-001', 'hq/ledger', false],
      ['store-001', `${device}/up`, false],
      ['listener', 'store-001/up/hello', false],
      ['enrol', `${device}/up`, true],
      ['enrol', `${device}/down`, false],
      ['enrol', 'enrol/up/hello', false],
      ['enrol', 'store-001/up/journal', false],
      ['enrol', 'store-001/down/document/prices', false],
      ['enrol', 'store-001/events/register-1/sale.completed', false],
      ['enrol', 'hq/ledger', false],
    ]
    for (const [user, topic, isAllowed] of writes)
      t.equal(publish(user, topic), isAllowed, `${user} writes ${topic}`)
    const secrets = [
      'store-001/down/receipt',
      'store-001/down/document/prices',
      'store-001/up/hello',
    ]
    const forbidden = [...secrets, `${device}/up`, 'enrol/down/receipt', 'hq/ledger']
    const answer = `${device}/down`
    t.equal(hears('enrol', [...forbidden, answer]), `tillbridge/1/${answer}`, 'its answer alone')
    const own = 'store-002/down/receipt'
    t.equal(hears('store-002', [...secrets, answer, own]), `tillbridge/1/${own}`, 'its own alone')
  },
)
