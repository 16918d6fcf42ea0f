import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { connectAsync } from 'mqtt'
import t from 'tap'
import { systemClock } from '../../gateway/core/clock.js'
import { silentLogger } from '../../gateway/core/log.js'
import { systemRandom } from '../../gateway/core/random.js'
import { Notary } from '../../gateway/journal/notary.js'
import { readSignedEvent } from '../../gateway/security/signed-event.js'
import { openStoreKey } from '../../gateway/security/store-key.js'
import { journalIn } from '../journal/open.js'
import { startMosquitto } from '../support/mosquitto.js'
import { ended, MAIN, startProgram } from '../support/program.js'
import { STORE, sale } from '../support/sample.js'
import { freshDirectory } from '../support/shop.js'
import { until } from '../support/until.js'

const DAY_MS = 24 * 60 * 60_000

/** A shop that sold yesterday and was switched off before midnight. Returns its day. */
async function sellYesterday(dataDir: string): Promise<string> {
  const now = { wallMs: systemClock.wallMs() - DAY_MS, clock: 'synced' as const }
  mkdirSync(join(dataDir, 'journal'), { recursive: true })
  const { key } = await openStoreKey(dataDir, systemRandom)
  const journal = await journalIn(join(dataDir, 'journal'), now)
  const notary = new Notary({
    journal,
    key,
    onKeyChanged: () => undefined,
    store: STORE,
    timeZone: 'UTC',
    clock: { ...systemClock, wallMs: () => now.wallMs },
    random: systemRandom,
    clockState: () => 'synced',
    logger: silentLogger,
  })
  notary.start()
  const day = new Date(now.wallMs).toISOString().slice(0, 10)
  const sales = [1, 2, 3].map(number => ({ ...sale({ number }), businessday: day }))
  await journal.append(sales)
  await notary.stop()
  await journal.close()
  return day
}

t.test('yesterday is stated at the start, reaches HQ, and is equal there', async t => {
  const broker = await startMosquitto()
  t.teardown(() => broker.stop())
  const [dataDir, hqDir] = [freshDirectory(t), freshDirectory(t)]
  const day = await sellYesterday(dataDir)
  const url = `mqtt://127.0.0.1:${broker.port}`
  const run = (args: readonly string[], env = {}) =>
    startProgram(t, [process.execPath, MAIN, ...args], env)
  const yaml = `store: ${STORE}\nbroker: off\nhq: { url: '${url}' }\ndataDir: ${dataDir}\n`
  const hq = run(['hq', '--data', hqDir, '--broker', url])
  // A hello that nobody hears is said again, but not at once.
  await once(hq.stdout, 'data')
  const gateway = run(['run'], { TILLBRIDGE_CONFIG_YAML: yaml })
  const stopped = [hq, gateway].map(ended)

  const place = ['--data', hqDir, '--store', STORE]
  const ask = () => ended(run(['hq', 'statement', ...place, '--day', day]))
  await until('HQ says equal', async () => (await ask()).code === 0)
  const { stdout } = await ask()
  t.match(stdout, /till-1 +sale\.completed +EUR +3 +7\.50 +3 +7\.50$/m)
  const keys = await ended(run(['hq', 'key', ...place]))
  t.match(stdout, new RegExp(`signed with ${keys.stdout.trim()}$`, 'm'), 'by the key it pinned')

  const reader = await connectAsync(url)
  t.teardown(() => reader.endAsync())
  const copy = new Promise<Uint8Array>(resolve => {
    reader.once('message', (_, payload) => resolve(payload))
  })
  await reader.subscribeAsync(`tillbridge/1/${STORE}/up/statement`)
  const signed = readSignedEvent(await copy)
  t.match(signed, { ok: true, value: { type: 'journal.statement', data: { day } } })

  for (const child of [gateway, hq]) child.kill('SIGTERM')
  t.same(
    (await Promise.all(stopped)).map(({ code }) => code),
    [0, 0],
  )
  const verified = await ended(run(['journal', 'verify', dataDir]))
  t.match(verified, { code: 0, stdout: /not under a signature yet: 1\nsound/ })
})
