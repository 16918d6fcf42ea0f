import { systemClock } from '../../gateway/core/clock.js'
import { type Random, seededRandom } from '../../gateway/core/random.js'
import { LedgerFeed } from '../../gateway/simulator/ledger-feed.js'
import { LineTail } from '../../gateway/simulator/line-tail.js'
import type { SupervisedProcess } from '../../gateway/simulator/supervised-process.js'
import { type Span, saleSpans } from './ledger-export.js'
import type { TestShop } from './test-shop.js'
import { until } from './until.js'

export type Victim = 'gateway' | 'broker' | 'ledger'

export interface Kill {
  readonly victim: Victim
  /** Milliseconds since 1970. */
  readonly atMs: number
}

const LONGEST_PEACE_MS = 1_500
const RECOVERY_MS = 120_000

/** A kill counts only if it fell between a sale's first byte and its commit in the ledger. */
export function isMidSale({ atMs }: Kill, spans: readonly Span[]): boolean {
  return spans.some(({ fromMs, toMs }) => fromMs <= atMs && atMs <= toMs)
}

/** The spans of sales of numbered tills, as far as a running ledger shows its rows. */
class SpanWatch {
  readonly #ledger: LedgerFeed
  readonly #tillLogs: readonly string[]
  #rows = ''
  #spans: readonly Span[] = []

  constructor(options: { readonly socketPath: string; readonly tillLogs: readonly string[] }) {
    this.#ledger = new LedgerFeed(options)
    this.#tillLogs = options.tillLogs
  }

  async look(): Promise<readonly Span[]> {
    const lines = await this.#ledger.read().catch(() => [])
    if (lines.length === 0) return this.#spans
    this.#rows += lines.map(line => `${line}\n`).join('')
    this.#spans = saleSpans(this.#rows, this.#tillLogs)
    return this.#spans
  }
}

/** Tells whether one of the tills is waiting for an acknowledgement right now. */
function waitingTills(tillLogs: readonly string[]): () => boolean {
  const tills = tillLogs.map(path => ({ tail: new LineTail(path), last: '{}' }))
  return () => {
    for (const till of tills) till.last = till.tail.read().at(-1) ?? till.last
    return tills.some(({ last }) => JSON.parse(last).type === 'sale')
  }
}

/**
 * Kills in random order at random moments, each victim until so many kills fell mid-sale. The tills
 * must sell until it returns.
 */
export async function killAtRandom(options: {
  readonly shop: TestShop
  /** Of tills whose receipt numbers are unique. */
  readonly tillLogs: readonly string[]
  readonly seed: number
  readonly times: Readonly<Record<Victim, number>>
}): Promise<Kill[]> {
  const { shop, tillLogs, seed, times } = options
  const random = seededRandom(seed)
  const watch = new SpanWatch({ socketPath: shop.paths.hqSocket, tillLogs })
  const isTillWaiting = waitingTills(tillLogs)
  const kills: Kill[] = []
  const hasSoldSince = async (ms: number): Promise<boolean> =>
    (await watch.look()).some(({ fromMs }) => fromMs > ms)
  await until('the shop sells', () => hasSoldSince(0), RECOVERY_MS)
  for (const victim of shuffled(times, random)) {
    for (let counted = false; !counted; ) {
      await systemClock.sleep(random.unit() * LONGEST_PEACE_MS)
      await until('a till waits for its acknowledgement', isTillWaiting, RECOVERY_MS)
      const kill = { victim, atMs: systemClock.wallMs() }
      kills.push(kill)
      await strike(shop, victim)
      const struckMs = systemClock.wallMs()
      await until('a later sale is in the ledger', () => hasSoldSince(struckMs), RECOVERY_MS)
      counted = isMidSale(kill, await watch.look())
    }
  }
  return kills
}

async function strike(shop: TestShop, victim: Victim): Promise<void> {
  switch (victim) {
    case 'gateway':
    case 'ledger':
      return killed(shop[victim])
    case 'broker':
      return shop.replaceBroker()
  }
}

async function killed(process: SupervisedProcess): Promise<void> {
  const { deaths } = process
  process.kill('SIGKILL')
  await until('the process dies', () => process.deaths > deaths, RECOVERY_MS)
}

function shuffled(times: Readonly<Record<Victim, number>>, random: Random): Victim[] {
  const victims: readonly Victim[] = ['gateway', 'broker', 'ledger']
  return victims
    .flatMap(victim => Array.from({ length: times[victim] }, () => victim))
    .map(victim => ({ victim, rank: random.unit() }))
    .sort((left, right) => left.rank - right.rank)
    .map(({ victim }) => victim)
}
