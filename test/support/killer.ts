import { systemClock } from '../../gateway/core/clock.js'
import { type Random, seededRandom } from '../../gateway/core/random.js'
import { LedgerFeed } from '../../gateway/simulator/ledger-feed.js'
import { LineTail } from '../../gateway/simulator/line-tail.js'
import type { TestShop } from './test-shop.js'
import { until } from './until.js'

export type Victim = 'gateway' | 'broker' | 'ledger'

export interface Kill {
  readonly victim: Victim
  /** Milliseconds since 1970. */
  readonly atMs: number
}

const LONGEST_PEACE_MS = 1_500
const RECOVERY_MS = 30_000

/** Knows from the tills' own logs which of them are between first byte and acknowledgement. */
class TillWatch {
  readonly #tails: readonly LineTail[]
  readonly #open = new Set<string>()
  #acknowledged = 0

  constructor(logs: readonly string[]) {
    this.#tails = logs.map(path => new LineTail(path))
  }

  look(): { readonly isMidSale: boolean; readonly acknowledged: number } {
    for (const tail of this.#tails) for (const line of tail.read()) this.#note(JSON.parse(line))
    return { isMidSale: this.#open.size > 0, acknowledged: this.#acknowledged }
  }

  #note(entry: { readonly type: string; readonly till: string; readonly n: number }): void {
    if (entry.type === 'sale') this.#open.add(`${entry.till}/${entry.n}`)
    if (entry.type !== 'acknowledged') return
    this.#open.delete(`${entry.till}/${entry.n}`)
    this.#acknowledged += 1
  }
}

/** Until all three came back from the last kill: tills are acknowledged and the ledger grows. */
async function recovered(run: {
  readonly watch: TillWatch
  readonly ledger: LedgerFeed
  readonly signal: AbortSignal
}): Promise<void> {
  const { watch, ledger, signal } = run
  const { acknowledged } = watch.look()
  const { position } = ledger
  await until(
    'the shop recovers from a kill',
    async () => {
      await ledger.read().catch(() => [])
      const isBack = watch.look().acknowledged > acknowledged && ledger.position > position
      return isBack || signal.aborted
    },
    RECOVERY_MS,
  )
}

/** Kills in random order at random moments, each victim until so many kills fell mid-sale. */
export async function killAtRandom(options: {
  readonly shop: TestShop
  readonly tillLogs: readonly string[]
  readonly seed: number
  readonly times: Readonly<Record<Victim, number>>
  /** Ends early when the tills have sold everything. */
  readonly signal: AbortSignal
}): Promise<Kill[]> {
  const { shop, tillLogs, seed, times, signal } = options
  const random = seededRandom(seed)
  const watch = new TillWatch(tillLogs)
  const ledger = new LedgerFeed({ socketPath: shop.paths.hqSocket })
  const kills: Kill[] = []
  for (const victim of shuffled(times, random)) {
    for (let counted = false; !counted && !signal.aborted; ) {
      await recovered({ watch, ledger, signal })
      await systemClock.sleep(random.unit() * LONGEST_PEACE_MS, signal)
      if (signal.aborted) break
      counted = watch.look().isMidSale
      kills.push({ victim, atMs: systemClock.wallMs() })
      await strike(shop, victim)
    }
  }
  return kills
}

async function strike(shop: TestShop, victim: Victim): Promise<void> {
  switch (victim) {
    case 'gateway':
      shop.gateway.kill('SIGKILL')
      return
    case 'ledger':
      shop.ledger.kill('SIGKILL')
      return
    case 'broker':
      await shop.replaceBroker()
  }
}

function shuffled(times: Readonly<Record<Victim, number>>, random: Random): Victim[] {
  const victims: readonly Victim[] = ['gateway', 'broker', 'ledger']
  return victims
    .flatMap(victim => Array.from({ length: times[victim] }, () => victim))
    .map(victim => ({ victim, rank: random.unit() }))
    .sort((left, right) => left.rank - right.rank)
    .map(({ victim }) => victim)
}
