import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import t from 'tap'
import { type Random, seededRandom } from '../../gateway/core/random.js'
import { below, everyRecord, idsOf, newRandom } from '../support/sample.js'
import { journalIn } from './open.js'

const SHOPS = 2
/** Kills a shop. */
const ROUNDS = 10
const PROGRAM = new URL('./append-forever.js', import.meta.url).pathname

/** Runs the program until it said so many lines, kills it, and gives all that it said. */
async function killedAfter(lines: number, options: readonly string[]): Promise<readonly string[]> {
  const child = spawn(process.execPath, [PROGRAM, ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const said: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    said.push(line)
    if (said.length === lines) child.kill('SIGKILL')
  }
  const [, signal] = await ended
  if (signal !== 'SIGKILL') throw new Error(`ended by itself: ${said.at(-1)}`)
  return said.filter(line => line !== 'ready')
}

/** Lets a shop sell and be killed, again and again; gives the ids of what was acknowledged. */
async function sellAndDie(directory: string, random: Random): Promise<readonly string[]> {
  const acknowledged: string[] = []
  for (let round = 1; round <= ROUNDS; round += 1) {
    const from = String(round * 100_000)
    const lines = await killedAfter(1 + below(random, 80), [directory, from])
    acknowledged.push(...lines.flatMap(line => line.split(' ')))
  }
  return acknowledged
}

t.test(
  `killed ${SHOPS * ROUNDS} times while selling, it kept all that it acknowledged`,
  async t => {
    const random = newRandom(t)
    const place = t.testdir()
    const shops = Array.from({ length: SHOPS }, (_, index) => {
      return { directory: `${place}/${index}`, random: seededRandom(below(random, 2 ** 32)) }
    })
    const selling = shops.map(async ({ directory, random }) => {
      return { directory, acknowledged: await sellAndDie(directory, random) }
    })
    for (const { directory, acknowledged } of await Promise.all(selling)) {
      const journal = await journalIn(directory)
      const records = await everyRecord(journal)
      const sales = idsOf(records, 'sale.completed')
      const kept = new Set(sales)
      const lost = acknowledged.filter(id => !kept.has(id))
      t.same(lost, [], `${acknowledged.length} acknowledged`)
      t.ok(acknowledged.length > 100, 'the kills fell while it was selling')
      t.equal(kept.size, sales.length, 'none twice')
      t.match(journal.epochs()[0]?.epoch, /^1-/, 'the chain holds from the very first record')
      const starts = records.filter(({ header }) => header.type === 'gateway.started')
      t.equal(starts.length, journal.epochs().length)
      await journal.close()
    }
  },
)
