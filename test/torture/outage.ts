import { openPostgresRows } from '../../gateway/hq/postgres/postgres-ledger.js'
import type { CheckReport } from '../../gateway/simulator/ledger-checker.js'
import { LedgerFeed } from '../../gateway/simulator/ledger-feed.js'
import { startPostgres } from '../support/postgres.js'
import { TestShop, type TestTill } from '../support/test-shop.js'
import { until } from '../support/until.js'
import type { UnitResult } from './unit.js'

/** Tills sell as fast as they can: each waits for its ACK and its own disk. */
const PER_MINUTE = 6_000_000
const TILLS = ['register-1', 'register-2', 'register-3', 'register-4']
/** A ledger that has grown by nothing for so long has all that there is. */
const STILL_MS = 1_500
const PATIENCE_MS = 900_000

export interface Outage {
  readonly report: CheckReport
  readonly isSound: boolean
  /** From the first till's start to the last sale's ACK. */
  readonly soldMs: number
  /** From HQ's start until so many rows as there are sales stood in its ledger. */
  readonly drainMs: number
}

/** The same for torture: a ledger in LevelDB and one in PostgreSQL by turns. */
export async function judgeOutage(options: {
  readonly unit: number
  readonly seed: number
  readonly sales: number
}): Promise<UnitResult> {
  const { unit, sales } = options
  const ledger = unit % 2 === 1 ? 'level' : 'postgres'
  const { report, isSound, soldMs, drainMs } = await endureOutage({ ...options, ledger })
  const { found, lost, doubled } = report
  const what = isSound && found === sales ? [] : [JSON.stringify({ ...report, tills: undefined })]
  const point = `outage with ${ledger}`
  return {
    points: 1,
    counts: {
      [`${ledger}: rows of sales`]: found,
      [`${ledger}: lost`]: lost,
      [`${ledger}: doubled`]: doubled,
      [`${ledger}: sold a second, meanwhile`]: perSecond(sales, soldMs),
      [`${ledger}: drained a second`]: perSecond(sales, drainMs),
    },
    findings: what.length === 0 ? [] : [{ unit, point, what, kept: 'nothing' }],
  }
}

function perSecond(count: number, ms: number): number {
  return Math.round((count * 1000) / ms)
}

/**
 * Tills sell to a real gateway while HQ is away, each sale synced and acknowledged; then HQ comes,
 * and the checker judges its rows.
 */
export async function endureOutage(options: {
  readonly sales: number
  readonly ledger: 'level' | 'postgres'
  readonly seed: number
}): Promise<Outage> {
  const { sales, ledger, seed } = options
  const tills = TILLS.map(
    (id, index): TestTill => ({
      id,
      model: index % 2 === 0 ? 'lrc' : 'binary',
      sales: sales / TILLS.length,
      perMinute: PER_MINUTE,
    }),
  )
  const postgres = ledger === 'postgres' ? await startPostgres() : undefined
  const url = await postgres?.url('outage')
  const place = url === undefined ? {} : { ledger: { hqUrl: url, judgeUrl: url } }
  const shop = await TestShop.start({ tills, seed, isHqAway: true, ...place })
  try {
    const soldMs = await timed(() => shop.sell())
    const tail = tailOf({ shop, url, after: sales - 1 })
    const drainMs = await timed(async () => {
      shop.startHq()
      await until('the ledger has them all', async () => (await tail()) >= sales, PATIENCE_MS)
    })
    await settled(tail)
    const { report, isSound } = await shop.judge()
    return { report, isSound, soldMs, drainMs }
  } finally {
    await shop.stop()
    await postgres?.stop()
  }
}

/** The last position of the ledger, or the one before the tail while it has not grown so far. */
function tailOf(options: {
  readonly shop: TestShop
  readonly url: string | undefined
  readonly after: number
}): () => Promise<number> {
  const { shop, url, after } = options
  if (url === undefined) {
    const feed = new LedgerFeed({ socketPath: shop.paths.hqSocket, after })
    return async () => {
      await feed.read().catch(() => [])
      return feed.position
    }
  }
  let position = after
  return async () => {
    // HQ makes its tables when it comes.
    const ledger = await openPostgresRows({ url }).catch(() => undefined)
    const rows = await ledger?.rows(position, 1_000).catch(() => [])
    position = rows?.at(-1)?.position ?? position
    await ledger?.close()
    return position
  }
}

async function settled(tail: () => Promise<number>): Promise<void> {
  let last = await tail()
  let sinceMs = performance.now()
  await until(
    'the ledger is at rest',
    async () => {
      const now = await tail()
      if (now !== last) sinceMs = performance.now()
      last = now
      return performance.now() - sinceMs > STILL_MS
    },
    PATIENCE_MS,
  )
}

async function timed(action: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  await action()
  return performance.now() - startMs
}
