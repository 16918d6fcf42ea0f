import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { openJournalDatabase } from '../../gateway/journal/open-database.js'
import { connectTo } from '../support/mqtt.js'
import { receipt } from '../support/receipt.js'
import { until } from '../support/until.js'
import { openBenchShop } from './shop.js'

const SALES = 500

/** Milliseconds of one run each, sorted. */
function percentiles(times: readonly number[]): { readonly p50: number; readonly p99: number } {
  const sorted = [...times].sort((left, right) => left - right)
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0
  return { p50: at(0.5), p99: at(0.99) }
}

function say(
  what: string,
  times: readonly number[],
): { readonly p50: number; readonly p99: number } {
  const { p50, p99 } = percentiles(times)
  process.stdout.write(`${what.padEnd(46)} p50 ${p50.toFixed(2)} ms  p99 ${p99.toFixed(2)} ms\n`)
  return { p50, p99 }
}

/** Looks once in every turn of the event loop: a timer would round to its own milliseconds. */
async function turnsUntil(name: string, condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 20_000
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`waited 20 s in vain: ${name}`)
    await nextTurn()
  }
}

async function timed(action: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  await action()
  return performance.now() - startMs
}

/** What the same machine needs, in the same run, for what cannot be avoided. */
async function bareCosts(options: {
  readonly directory: string
  readonly port: number
}): Promise<{ readonly fsync: readonly number[]; readonly puback: readonly number[] }> {
  const database = await openJournalDatabase(join(options.directory, 'bare'))
  const value = Buffer.alloc(600, 0x61)
  const fsync: number[] = []
  for (let index = 0; index < SALES; index += 1) {
    const key = Buffer.from(String(index).padStart(8, '0'))
    fsync.push(await timed(() => database.batch([{ type: 'put', key, value }], { sync: true })))
  }
  await database.close()
  const connection = connectTo({ port: options.port, protocol: '3.1.1' })
  connection.start()
  await until('connected', () => connection.state.type === 'online')
  const puback: number[] = []
  for (let index = 0; index < SALES; index += 1)
    puback.push(await timed(() => connection.publish({ topic: 'bench', payload: value })))
  await connection.stop(1000)
  return { fsync, puback }
}

const directory = mkdtempSync(join(tmpdir(), 'tillbridge-bench-'))
const shop = await openBenchShop(directory)
const acked: number[] = []
const receipted: number[] = []
let heardBytes = 0
shop.till.onData(bytes => {
  heardBytes += bytes.length
})
// gateway.started and terminal.connected: until then an opening port throws away what it holds.
await until('the till is connected, and HQ knows', () => {
  const { records, backlog } = shop.journal.statistics()
  return records >= 2 && backlog === 0
})
for (let number = 1; number <= SALES; number += 1) {
  const expectedBytes = heardBytes + 1
  const startMs = performance.now()
  await shop.till.write(shop.dialect.encode('sale', receipt(number)))
  await turnsUntil('the ACK', () => heardBytes >= expectedBytes)
  acked.push(performance.now() - startMs)
  await turnsUntil('the receipt', () => shop.journal.statistics().backlog === 0)
  receipted.push(performance.now() - startMs)
}
const { fsync, puback } = await bareCosts({ directory, port: shop.port })
await shop.close()
rmSync(directory, { recursive: true })

process.stdout.write(`${SALES} sales one after another, shop and HQ in one process\n`)
const bareFsync = say('one synced LevelDB write of 600 B', fsync)
const barePuback = say('one QoS 1 publish to its PUBACK', puback)
const ack = say('last byte of a sale to its ACK', acked)
const ledger = say("last byte of a sale to HQ's receipt", receipted)
const unit = bareFsync.p50 + barePuback.p50
process.stdout.write(
  `ACK p99 is ${(ack.p99 / bareFsync.p50).toFixed(1)} x a bare fsync; ` +
    `receipt p50 is ${(ledger.p50 / unit).toFixed(1)} x, p99 ${(ledger.p99 / unit).toFixed(1)} x ` +
    '(one fsync + one PUBACK)\n',
)
