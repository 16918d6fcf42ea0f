import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Level } from 'level'
import type { Operation } from '../../gateway/core/database.js'
import { encodeEvent } from '../../gateway/event/event.js'
import { journalIn } from '../journal/open.js'
import { sale } from '../support/sample.js'
import { say, sayRatio, timed } from './report.js'

/** Blocks of both kinds take turns, so that whatever else the machine does meets both. */
const BLOCKS = 40
const WARM_UP = 5
const ONE_BY_ONE = 50
const TOGETHER = 64

/** Appends to the journal beside bare synced writes of the same bytes to classic-level. */
export async function benchAppend(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'tillbridge-bench-'))
  const journal = await journalIn(join(directory, 'journal'))
  const encoding = { keyEncoding: 'view', valueEncoding: 'view' } as const
  const bare = new Level<Uint8Array, Uint8Array>(join(directory, 'bare'), encoding)
  await bare.open()
  const value = encodeEvent(sale({ number: 1 }))
  let keys = 0
  let numbers = 0
  const put = (): Operation => {
    keys += 1
    return { type: 'put', key: Buffer.from(String(keys).padStart(12, '0')), value }
  }
  const nextSale = () => {
    numbers += 1
    return sale({ number: numbers })
  }
  const sums = { putMs: 0, appendMs: 0, batchMs: 0, togetherMs: 0 }
  for (let block = 0; block < WARM_UP + BLOCKS; block += 1) {
    const putMs = await timed(async () => {
      for (let each = 0; each < ONE_BY_ONE; each += 1) await bare.batch([put()], { sync: true })
    })
    const sales = Array.from({ length: ONE_BY_ONE }, nextSale)
    const appendMs = await timed(async () => {
      for (const event of sales) await journal.append([event])
    })
    const puts = Array.from({ length: TOGETHER }, put)
    const batchMs = await timed(() => bare.batch(puts, { sync: true }))
    const together = Array.from({ length: TOGETHER }, nextSale)
    const togetherMs = await timed(() =>
      Promise.all(together.map(event => journal.append([event]))),
    )
    if (block < WARM_UP) continue
    sums.putMs += putMs
    sums.appendMs += appendMs
    sums.batchMs += batchMs
    sums.togetherMs += togetherMs
  }
  await journal.close()
  await bare.close()
  rmSync(directory, { recursive: true })
  const rate = (count: number, ms: number): string => `${Math.round((count * 1000) / ms)}/s`
  const singles = BLOCKS * ONE_BY_ONE
  const grouped = BLOCKS * TOGETHER
  say(`durable appends of ${value.length} B beside bare synced writes to classic-level`)
  say(`  one at a time: journal ${rate(singles, sums.appendMs)}, bare ${rate(singles, sums.putMs)}`)
  sayRatio('one at a time', sums.putMs / sums.appendMs, { atLeast: 0.7 })
  say(
    `  64 at once: journal ${rate(grouped, sums.togetherMs)}, bare ${rate(grouped, sums.batchMs)}`,
  )
  sayRatio('64 at once', sums.batchMs / sums.togetherMs, { atLeast: 0.5 })
}
