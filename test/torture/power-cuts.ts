import { cpSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Random, seededRandom } from '../../gateway/core/random.js'
import { below } from '../support/sample.js'
import { Inquest } from './inquest.js'
import { forgetBoot } from './judge.js'
import { lastJudgement } from './last-judgement.js'
import { LoopDisk } from './loop-disk.js'
import { type Mutation, RunningJournal } from './running-journal.js'
import { TorturedShop } from './tortured-shop.js'
import type { UnitResult } from './unit.js'

/** The second is not what a Pi has, and harsher: contents may come after what points to them. */
const MOUNTS = ['noatime', 'noatime', 'noatime,data=writeback']
const MOST_SALES = 400

export interface PowerCutOptions {
  readonly unit: number
  readonly seed: number
  readonly cuts: number
  /** Emptied first. */
  readonly directory: string
  /** Where the disk of a finding goes. */
  readonly keep: string
  readonly mutation?: Mutation
  /** Ends the unit early. */
  readonly stopAtFinding?: boolean
}

/** When the power goes: so long after a line was said for the nth time. */
interface Moment {
  readonly name: string
  readonly line: string
  readonly nth: number
  readonly afterMs: number
}

class Coming {
  readonly arrived: Promise<void>
  readonly #line: string
  #left: number
  #arrive: () => void = () => undefined

  constructor(moment: Moment) {
    this.#line = moment.line
    this.#left = moment.nth
    this.arrived = new Promise(resolve => {
      this.#arrive = resolve
    })
  }

  hear(line: string): void {
    if (line.startsWith(this.#line)) this.#left -= 1
    if (this.#left === 0) this.#arrive()
  }
}

/** One disk on which a shop sells, its power cut again and again; needs root. */
export async function cutOneDisk(options: PowerCutOptions): Promise<UnitResult> {
  const { directory, seed } = options
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  const random = seededRandom(seed)
  const mount = MOUNTS[below(random, MOUNTS.length)] ?? ''
  const disk = await LoopDisk.make(directory, mount)
  const shop = await TorturedShop.open(directory, seed)
  try {
    const cuts = new PowerCuts({ ...options, random, disk, shop })
    cuts.inquest.tally.add(`disks with ${mount}`)
    return await cuts.cutAll()
  } finally {
    await shop.close()
    await disk.remove()
  }
}

class PowerCuts {
  readonly #options: PowerCutOptions
  readonly #random: Random
  readonly #disk: LoopDisk
  readonly #shop: TorturedShop
  readonly #data: string
  readonly inquest: Inquest
  #next: RunningJournal

  constructor(
    options: PowerCutOptions & {
      readonly random: Random
      readonly disk: LoopDisk
      readonly shop: TorturedShop
    },
  ) {
    this.#options = options
    this.inquest = new Inquest(options)
    this.#random = options.random
    this.#disk = options.disk
    this.#shop = options.shop
    this.#data = join(options.disk.path, 'data')
    this.#next = this.#start()
  }

  async cutAll(): Promise<UnitResult> {
    try {
      for (let cut = 1; cut <= this.#options.cuts; cut += 1) {
        await this.#cut(cut)
        if (this.#options.stopAtFinding && this.inquest.hasFound) return this.inquest.result
      }
      const { directory } = this.#options
      this.inquest.note({
        point: 'the end',
        what: await lastJudgement({ directory, data: this.#data, shop: this.#shop }),
        keep: kept => cpSync(directory, kept, { recursive: true }),
      })
      return this.inquest.result
    } finally {
      this.#next.kill()
      await this.#next.ended
    }
  }

  #start(): RunningJournal {
    return new RunningJournal({
      data: this.#data,
      buffer: below(this.#random, 2) === 0 ? 'shipped' : 'small',
      mutation: this.#options.mutation ?? 'none',
      threads: 4,
    })
  }

  async #cut(cut: number): Promise<void> {
    const running = this.#next
    // Node takes longer to start than a run lasts: the next one starts beside it.
    this.#next = this.#start()
    await running.ready
    const moment = this.#choose()
    const metadata = below(this.#random, 2) === 0
    const come = new Coming(moment)
    try {
      const watch = (line: string): void => come.hear(line)
      const selling = this.#shop.sellThrough(running, { sales: MOST_SALES, watch })
      await Promise.race([come.arrived, selling])
      await delay(moment.afterMs)
      await running.freeze()
      await this.#disk.cut({ metadata })
      running.kill()
      await selling
    } finally {
      running.kill()
      await running.ended
    }
    await this.#disk.restart()
    this.inquest.tally.add(moment.name)
    if (metadata) this.inquest.tally.add('metadata flushed')
    // The power may have gone before the folder itself was on the disk.
    mkdirSync(this.#data, { recursive: true })
    forgetBoot(this.#data)
    await this.inquest.judgeCopy({
      directory: this.#options.directory,
      data: this.#data,
      evidence: await this.#shop.evidence(),
      point: `cut ${cut}: ${moment.name}${metadata ? ', metadata flushed' : ''}`,
    })
  }

  #choose(): Moment {
    const random = this.#random
    const moments: readonly Moment[] = [
      { name: 'while opening', line: 'opening', nth: 1, afterMs: random.unit() * 15 },
      {
        name: 'while appending',
        line: 'acknowledged',
        nth: 1 + below(random, 40),
        afterMs: random.unit() * 3,
      },
      {
        name: 'while trimming',
        line: 'received',
        nth: 1 + below(random, 4),
        afterMs: random.unit() * 4,
      },
      {
        name: 'while compacting',
        line: 'compacting',
        nth: 1 + below(random, 3),
        afterMs: random.unit() * 12,
      },
    ]
    const moment = moments[below(random, moments.length)]
    if (moment === undefined) throw new RangeError('no moment')
    return moment
  }
}
