import { spawnSync } from 'node:child_process'
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Random } from '../../gateway/core/random.js'
import { journalPaths } from '../../gateway/journal/journal-folder.js'
import { below, newRandom } from '../support/sample.js'
import { damage } from './damages.js'
import { checkRecovered, filesIn, type Shop, sellThrough } from './recovered.js'

t.setTimeout(600_000)

/** All that a recovery does to a disk, but for LevelDB's writes in between. */
const CALLS = ['mkdir', 'link', 'rename', 'unlink', 'rmdir', 'fsync', 'fdatasync'] as const
const KILLS = 12
const PROGRAM = new URL('./recover-once.js', import.meta.url).pathname

/**
 * Runs the program under strace with one thread for all that its disk gets, so that the nth call is
 * the same one every time; gives what strace and it said.
 */
function trace(dataDir: string, strace: readonly string[]) {
  const { NODE_OPTIONS: _, ...env } = process.env
  const command = [...strace, process.execPath, PROGRAM, dataDir]
  const { signal, stdout, status } = spawnSync('strace', command, {
    env: { ...env, UV_THREADPOOL_SIZE: '1' },
    encoding: 'utf8',
  })
  return { wasKilled: signal === 'SIGKILL' || status === 137, stdout }
}

let template: Shop

t.before(async () => {
  template = await sellThrough(t.testdir(), { epochs: 3, sales: 100 })
})

function damagedShop(t: Test, name: string, random: Random): Shop {
  const dataDir = join(t.testdir(), name.replaceAll(/\W/g, '-'))
  cpSync(template.dataDir, dataDir, { recursive: true })
  damage(name, dataDir, random)
  return { ...template, dataDir }
}

/** How often each call comes while this shop recovers undisturbed. */
function callsOf(shop: Shop): readonly { readonly call: string; readonly times: number }[] {
  const output = `${shop.dataDir}.trace`
  const traced = ['-f', '-qq', '-o', output, '-e', `trace=${CALLS.join(',')}`]
  const { stdout } = trace(shop.dataDir, traced)
  if (stdout !== 'sold') throw new Error(`it did not recover: ${stdout}`)
  const lines = readFileSync(output, 'utf8').split('\n')
  return CALLS.map(call => {
    const perThread = new Map<string, number>()
    for (const line of lines) {
      const [thread = '', rest = ''] = line.split(/\s+(.*)/)
      if (rest.startsWith(`${call}(`)) perThread.set(thread, (perThread.get(thread) ?? 0) + 1)
    }
    return { call, times: Math.max(0, ...perThread.values()) }
  }).filter(({ times }) => times > 0)
}

for (const name of ['CURRENT deleted', 'a table deleted', 'MANIFEST truncated'])
  t.test(`${name}; killed again and again while it recovers: nothing is deleted`, async t => {
    const random = newRandom(t)
    const calls = callsOf(damagedShop(t, name, random))
    const points: string[] = []
    for (let kill = 0; kill < KILLS / 3; kill += 1) {
      const shop = damagedShop(t, `${name}`, random)
      const before = filesIn(journalPaths(shop.dataDir).journal)
      for (let round = 0; round < 1 + below(random, 2); round += 1) {
        const { call, times } = calls[below(random, calls.length)] ?? { call: 'rename', times: 1 }
        const nth = 1 + below(random, times)
        const inject = `inject=${call}:signal=KILL:when=${nth}`
        const traced = ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${call}`, '-e', inject]
        const { wasKilled, stdout } = trace(shop.dataDir, traced)
        points.push(`${call} ${nth}${wasKilled ? '' : ` (${stdout})`}`)
      }
      await checkRecovered(t, shop, { before })
    }
    t.comment(`killed at ${points.join(', ')}`)
    t.ok(
      points.some(point => !point.endsWith(')')),
      'some kills struck',
    )
  })
