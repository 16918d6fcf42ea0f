import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { resolveDialects } from '../../gateway/composition/dialects.js'
import { createInstruments } from '../../gateway/composition/instruments.js'
import { ProfileReload } from '../../gateway/composition/profile-reload.js'
import { toHex } from '../../gateway/core/bytes.js'
import { systemClock } from '../../gateway/core/clock.js'
import { silentLogger } from '../../gateway/core/log.js'
import { seededRandom } from '../../gateway/core/random.js'
import { createDialect } from '../../gateway/profile/create-dialect.js'
import { loadProfileFiles } from '../../gateway/profile/load.js'
import { ProfileFolders } from '../../gateway/profile/profile-source.js'
import { ProfileRegistry } from '../../gateway/profile/registry.js'
import { TerminalSupervisor } from '../../gateway/terminal/supervisor.js'
import { topicsUnder } from '../../gateway/wire/topics.js'
import { shopOf } from '../support/machine.js'
import { quietAlarms } from '../support/quiet-alarms.js'
import { receipt } from '../support/receipt.js'
import { STORE } from '../support/sample.js'
import { freshDirectory } from '../support/shop.js'
import { until } from '../support/until.js'
import { startSession } from './shop.js'

const SEED = 20261130

/** Folders with a till of our own, whose files a test may change. */
async function ownTill(t: Test): Promise<string> {
  const folder = freshDirectory(t)
  await mkdir(join(folder, 'acme'))
  for (const name of ['ecr-lrc.dialect.yaml', 'ecr-lrc.cases.yaml']) {
    const text = await readFile(join('firmware-profiles/tillbridge', name), 'utf8')
    await writeFile(
      join(folder, 'acme', name),
      text.replaceAll('tillbridge', 'acme').replace('ecr-lrc@1', 'ecr-lrc'),
    )
  }
  await writeFile(
    join(folder, 'acme/till.profile.yaml'),
    'format: 1\nvendor: acme\nmodel: till\nname: a till\nkind: till\nsource: constructed\n' +
      'firmware:\n  - { from: "1.0", to: "1.9", dialect: ecr-lrc }\n',
  )
  return folder
}

t.test('dialects that change in the middle of frames cost no byte and no sale', async t => {
  const shop = await startSession(t, { profile: 'tillbridge/reference-till' })
  const files = await loadProfileFiles(['firmware-profiles'])
  const file = files.ok ? files.value.dialects.get('tillbridge/ecr-lrc')?.value : undefined
  if (file === undefined) throw new RangeError('it is built in')
  await until('connected', () => shop.session.status.state === 'connected')
  const random = seededRandom(SEED)
  let version = 1
  for (let number = 1; number <= 60; number += 1) {
    const frame = shop.dialect.encode('sale', receipt(number))
    for (let at = 0, size = 0; at < frame.length; at += size) {
      size = 1 + Math.floor(random.unit() * 50)
      if (random.unit() < 0.4) {
        version += 1
        shop.session.speak(createDialect({ ...file, version }))
      }
      await shop.till.send(frame.subarray(at, at + size))
    }
    await until(`sale ${number} is acknowledged`, () => shop.till.heard().length === number)
  }
  t.equal(toHex(shop.till.heard()), '06'.repeat(60), `seed ${SEED}`)
  const sales = (await shop.events()).filter(({ type }) => type === 'sale.completed')
  t.equal(sales.length, 60)
  t.equal(shop.session.status.discardedBytes, 0)
  const spoken = new Set(sales.map(({ profile }) => profile))
  t.ok(spoken.size > 5, `${spoken.size} versions were spoken`)
  t.equal(shop.session.status.profile, `tillbridge/ecr-lrc@${version}`)
})

/** A shop with that till, which looks after its profiles. */
async function shopWith(t: Test, folder: string) {
  const config = shopOf(
    "terminals: [ { id: till-1, profile: acme/till, firmware: '1.0', " +
      'line: { serial: { path: /dev/none } } } ]',
  )
  const source = new ProfileFolders({ folders: ['firmware-profiles', folder], clock: systemClock })
  const files = await source.load()
  if (!files.ok) throw new RangeError(files.error.join('\n'))
  const spoken = resolveDialects(config, new ProfileRegistry(files.value))
  const [own] = spoken
  if (own === undefined) throw new RangeError('there is a terminal')
  const shop = await startSession(t, {
    profile: 'tillbridge/plain-till',
    own: { dialect: own.dialect },
  })
  await until('connected', () => shop.session.status.state === 'connected')
  const alarms = quietAlarms()
  let hangUp = (): void => undefined
  const reload = new ProfileReload({
    shop: {
      config,
      logger: silentLogger,
      store: STORE,
      topics: topicsUnder('tb'),
      software: 'test',
      startedAt: '2026-11-30T00:00:00Z',
      clockState: () => 'synced',
      instruments: createInstruments(),
    },
    source,
    spoken,
    terminals: new TerminalSupervisor({ sessions: [shop.session], buses: [] }),
    alarms,
    requests: again => {
      hangUp = again
      return () => undefined
    },
  })
  const stopping = new AbortController()
  const running = reload.run(stopping.signal)
  t.teardown(async () => {
    stopping.abort()
    await running
  })
  return { shop, alarms, dialect: own.dialect, hangUp: () => hangUp() }
}

t.test('a changed file is spoken; an invalid or red one is refused with its line', async t => {
  const folder = await ownTill(t)
  const { shop, alarms, dialect, hangUp } = await shopWith(t, folder)
  const file = join(folder, 'acme/ecr-lrc.dialect.yaml')
  const text = await readFile(file, 'utf8')
  const profile = () => shop.session.status.profile

  // Told by the folder itself.
  await writeFile(file, text.replace('version: 1', 'version: 2'))
  await until('version 2', () => profile() === 'acme/ecr-lrc@2')

  await writeFile(file, text.replace('version: 1', 'version: 3').replace('begins:', 'begin:'))
  await until('refused', () => alarms.standing.length === 1)
  t.match(alarms.standing, [
    { alarm: 'profile-invalid', reason: /ecr-lrc\.dialect\.yaml:\d+:\d+: / },
  ])
  t.equal(profile(), 'acme/ecr-lrc@2')

  await writeFile(file, text.replace('version: 1', 'version: 3'))
  hangUp()
  await until('mended', () => alarms.standing.length === 0)
  await until('version 3', () => profile() === 'acme/ecr-lrc@3')
  await shop.till.send(dialect.encode('sale', receipt(1)))
  await until('sold', () => shop.session.status.eventsTotal === 1)

  const cases = join(folder, 'acme/ecr-lrc.cases.yaml')
  const good = await readFile(cases, 'utf8')
  await writeFile(cases, good.replace(/totalMinor: \d+/, 'totalMinor: 1'))
  hangUp()
  await until('red', () => alarms.standing.length === 1)
  t.match(alarms.standing, [{ reason: /is red: .*ecr-lrc\.cases\.yaml:\d+/ }])
})
