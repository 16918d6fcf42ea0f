import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../gateway/core/clock.js'
import { messageOf } from '../../gateway/core/errors.js'
import { type Random, seededRandom } from '../../gateway/core/random.js'
import { type Span, saleSpans } from '../support/ledger-export.js'
import { below, shuffled } from '../support/sample.js'
import { until } from '../support/until.js'
import { type Fault, faultsOf } from './chaos-faults.js'
import { ChaosShop } from './chaos-shop.js'
import { type Finding, Tally, type UnitResult } from './unit.js'

/** A query that PostgreSQL never answers is given up after a minute. */
const RECOVERY_MS = 150_000
const LOOK_MS = 250
const LONGEST_PEACE_MS = 1_500
/** Faults that strike together, at most. */
const STORM = 3

export interface ChaosOptions {
  readonly unit: number
  readonly seed: number
  /** It goes on for so long and so many faults at least, then until everything has recovered. */
  readonly seconds: number
  readonly faults: number
  readonly receivers: number
  /** Also faults that only a time-out notices. */
  readonly isPatient: boolean
  /** Where the logs and the ledger of a finding go. */
  readonly keep: string
  /** Called when all has settled, before the judge looks. */
  readonly tamper?: (chaos: ChaosShop) => Promise<void>
}

/** Recovery is counted by these. */
const SECONDS = [3, 10, 30, 60, 150] as const

interface Struck {
  readonly name: string
  /** Milliseconds since 1970. */
  readonly fromMs: number
  readonly toMs: number
  /** From the end of its storm until everything acknowledged by then stood in the ledger. */
  readonly recoveryMs: number
}

/**
 * One shop under seeded faults of links and processes, several at a time, while its tills sell. It
 * must recover from every storm; at the end the tills' own logs are held against HQ's rows by the
 * checker, a process of its own, and what a subscriber heard against them, too.
 */
export async function endureChaos(options: ChaosOptions): Promise<UnitResult> {
  const chaos = await ChaosShop.open(options)
  try {
    return await new Storms(options, chaos).run()
  } finally {
    await chaos.stop()
  }
}

class Storms {
  readonly #options: ChaosOptions
  readonly #chaos: ChaosShop
  readonly #random: Random
  readonly #struck: Struck[] = []
  #deck: readonly Fault[] = []

  constructor(options: ChaosOptions, chaos: ChaosShop) {
    this.#options = options
    this.#chaos = chaos
    this.#random = seededRandom(options.seed)
  }

  async run(): Promise<UnitResult> {
    const { seconds, faults } = this.#options
    this.#chaos.sell()
    const endMs = systemClock.monotonicMs() + seconds * 1000
    try {
      await this.#recover()
      while (systemClock.monotonicMs() < endMs || this.#struck.length < faults) {
        await systemClock.sleep(LONGEST_PEACE_MS * this.#random.unit())
        await this.#storm()
      }
      return await this.#settle()
    } catch (thrown) {
      return this.#result({ findings: [messageOf(thrown)], spans: [], tally: new Tally() })
    }
  }

  async #storm(): Promise<void> {
    const faults = this.#draw(1 + below(this.#random, STORM))
    const struck = await Promise.all(
      faults.map(async ({ name, strike }) => {
        await systemClock.sleep(500 * this.#random.unit())
        const fromMs = systemClock.wallMs()
        await strike()
        return { name, fromMs, toMs: systemClock.wallMs() }
      }),
    )
    const overMs = systemClock.monotonicMs()
    await this.#recover(struck.map(({ name }) => name).join(', '))
    const recoveryMs = systemClock.monotonicMs() - overMs
    this.#struck.push(...struck.map(one => ({ ...one, recoveryMs })))
  }

  /** Every kind once before any comes again. */
  #draw(count: number): readonly Fault[] {
    const drawn: Fault[] = []
    while (drawn.length < count) {
      if (this.#deck.length === 0)
        this.#deck = shuffled(
          this.#random,
          faultsOf(this.#chaos, this.#random).filter(
            ({ isSlow }) => this.#options.isPatient || !isSlow,
          ),
        )
      const [next, ...rest] = this.#deck
      const taken = drawn.flatMap(({ targets }) => targets)
      if (next === undefined || next.targets.some(target => taken.includes(target))) break
      drawn.push(next)
      this.#deck = rest
    }
    return drawn
  }

  /** All that was acknowledged by now stands in the ledger, and every till sells on. */
  async #recover(from = 'the start'): Promise<void> {
    const { live } = this.#chaos
    const before = (await live.update()).tills
    await until(
      `recovery from ${from}`,
      async () => {
        await systemClock.sleep(LOOK_MS)
        const { failure } = this.#chaos
        if (failure !== undefined) throw new Error(`a process does not come up: ${failure}`)
        const { tills } = await live.update()
        return this.#chaos.tills.length === Object.keys(tills).length && hasMovedOn(before, tills)
      },
      RECOVERY_MS,
    )
  }

  async #settle(): Promise<UnitResult> {
    const { live, shop, listener } = this.#chaos
    await this.#chaos.closeTills()
    const isDrained = async (): Promise<boolean> => (await live.update()).waiting === 0
    await until('every acknowledged sale is in the ledger', isDrained, RECOVERY_MS)
    await this.#options.tamper?.(this.#chaos)
    const { rows: text, report, isSound } = await shop.judge()
    const rows = text.split('\n').slice(0, -1)
    await until('every event is heard', () => listener.findings(rows).length === 0, 60_000).catch(
      () => undefined,
    )
    const tally = new Tally()
    for (const name of ['acknowledged', 'found', 'lost', 'doubled', 'possibleRepeats'] as const)
      tally.add(`sales ${name}`, report[name])
    tally.add('records verified in the chain', report.chain.verified)
    tally.add('epochs', report.chain.epochs)
    tally.add('events heard again by the subscriber', listener.repeats)
    const unheard = listener.findings(rows)
    const { isSubscriberAtFault } = this.#chaos
    const findings = [
      ...report.findings,
      ...(isSound || report.findings.length > 0 ? [] : ['the checker is not content']),
      ...unheard.slice(0, 10),
      ...(unheard.length > 0 && isSubscriberAtFault ? ['the subscriber lost a living broker'] : []),
    ]
    return this.#result({ findings, spans: saleSpans(text, this.#chaos.numberedLogs), tally })
  }

  #result(outcome: {
    readonly findings: readonly string[]
    readonly spans: readonly Span[]
    readonly tally: Tally
  }): UnitResult {
    const { unit, keep, seed } = this.#options
    const { spans, tally } = outcome
    for (const { name, fromMs, toMs } of this.#struck) {
      const isHit = spans.some(span => span.fromMs <= toMs && fromMs <= span.toMs)
      tally.add(`${name}${isHit ? '' : ', nothing under way'}`)
    }
    for (const { recoveryMs } of this.#struck)
      tally.add(`recovered within ${SECONDS.find(limit => recoveryMs <= limit * 1000)} s`)
    const what = outcome.findings
    const kept = join(keep, `chaos-${seed}`)
    if (what.length > 0) cpSync(this.#chaos.shop.directory, kept, { recursive: true })
    const findings: Finding[] = what.length > 0 ? [{ unit, point: `seed ${seed}`, what, kept }] : []
    return { points: this.#struck.length, counts: tally.counts, findings }
  }
}

type Tills = Awaited<ReturnType<ChaosShop['live']['update']>>['tills']

function hasMovedOn(before: Tills, after: Tills): boolean {
  return Object.entries(after).every(([id, { acknowledged, found }]) => {
    const then = before[id]?.acknowledged ?? 0
    return acknowledged > then && found > then
  })
}
