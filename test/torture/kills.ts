import { appendFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Random, seededRandom } from '../../gateway/core/random.js'
import { below } from '../support/sample.js'
import { Inquest } from './inquest.js'
import { lastJudgement } from './last-judgement.js'
import { PHASES, type Phase, type PlacedCall, placeCalls } from './phases.js'
import { type JournalProcessOptions, type Mutation, RunningJournal } from './running-journal.js'
import { type Injection, Trace } from './strace.js'
import { TorturedShop } from './tortured-shop.js'
import type { UnitResult } from './unit.js'

/**
 * System calls at whose entry it is killed: what stands on the disk only changes by them. `writev`
 * is how it answers.
 */
const CALLS = [
  ...['write', 'fdatasync', 'fsync', 'openat', 'rename', 'link', 'unlink', 'mkdir', 'rmdir'],
  ...['mmap', 'writev'],
]
/** Sales of a run that is not killed, from which the points are taken, and of one that is. */
const PROFILE_SALES = 75
const MOST_SALES = 100
/** Kills of an opening by chance, each at one of its first so many calls of a name. */
const OPENING_CALLS = ['openat', 'write', 'fdatasync', 'fsync', 'rename', 'link', 'unlink', 'mkdir']
const MOST_EARLY = 24
/** Kills of the very first opening of a shop, and after these every so many of a recovery. */
const FIRST_KILLS = 2
const RECOVERY_EVERY = 5
/** strace prints so much of what is written: enough to tell an append from a trim. */
const TEXT_BYTES = 64

export interface KillOptions {
  readonly unit: number
  readonly seed: number
  readonly kills: number
  /** Emptied first; the journal is in it, the tills' logs and HQ's ledger. */
  readonly directory: string
  /** Where the journal of a finding goes. */
  readonly keep: string
  readonly mutation?: Mutation
  /** Kills in this phase alone. */
  readonly phase?: Phase
  /** Ends the unit early. */
  readonly stopAtFinding?: boolean
}

/**
 * One shop whose journal is killed again and again at the entry of a system call. The next process
 * opens what the last one left; a copy is judged after each kill, the whole through HQ at the end.
 */
export async function killOneShop(options: KillOptions): Promise<UnitResult> {
  rmSync(options.directory, { recursive: true, force: true })
  mkdirSync(options.directory, { recursive: true })
  const shop = await TorturedShop.open(options.directory, options.seed)
  const victims = new Victims(options, shop)
  try {
    return await victims.killAll()
  } finally {
    victims.release()
    await shop.close()
  }
}

class Victims {
  readonly #options: KillOptions
  readonly #shop: TorturedShop
  readonly #random: Random
  readonly #data: string
  readonly #process: JournalProcessOptions
  readonly #inquest: Inquest
  #next: RunningJournal

  constructor(options: KillOptions, shop: TorturedShop) {
    this.#options = options
    this.#shop = shop
    this.#random = seededRandom(options.seed)
    this.#inquest = new Inquest(options)
    this.#data = join(options.directory, 'data')
    this.#process = {
      data: this.#data,
      buffer: below(this.#random, 3) === 0 ? 'shipped' : 'small',
      mutation: options.mutation ?? 'none',
      threads: below(this.#random, 4) === 0 ? 4 : 1,
    }
    this.#next = new RunningJournal(this.#process)
  }

  async killAll(): Promise<UnitResult> {
    for (let kill = 1; kill <= FIRST_KILLS; kill += 1) await this.#kill({ at: this.#early() })
    const { calls: profile } = await this.#run({ sales: PROFILE_SALES })
    for (let kill = 1; kill <= this.#options.kills; kill += 1) {
      const isDamaged = kill % RECOVERY_EVERY === 0 && this.#damage()
      const at = isDamaged ? this.#early() : this.#choose(profile)
      await this.#kill({ at, isDamaged })
      if (this.#options.stopAtFinding && this.#inquest.hasFound) return this.#inquest.result
    }
    const { directory } = this.#options
    this.#inquest.note({
      point: 'the end',
      what: await lastJudgement({ directory, data: this.#data, shop: this.#shop }),
      keep: kept => cpSync(directory, kept, { recursive: true }),
    })
    return this.#inquest.result
  }

  async #kill(kill: { readonly at: Injection; readonly isDamaged?: boolean }): Promise<void> {
    const { killed, isDead } = await this.#run({ sales: MOST_SALES, ...kill })
    const { tally, points } = this.#inquest
    if (killed === undefined) {
      tally.add(isDead ? 'beside the journal' : 'not reached')
      return
    }
    tally.add(`${killed.phase} ${killed.kind}`)
    const point = `kill ${points + 1}: ${killed.kind}, ${killed.phase}`
    const evidence = await this.#shop.evidence()
    const { directory } = this.#options
    await this.#inquest.judgeCopy({ directory, data: this.#data, evidence, point })
  }

  /** Somewhere in an opening. */
  #early(): Injection {
    const name = OPENING_CALLS[below(this.#random, OPENING_CALLS.length)] ?? ''
    return { name, when: 1 + below(this.#random, MOST_EARLY) }
  }

  /**
   * Spoils the list of LevelDB's files, as a torn write would: it refuses to open, though nothing
   * is lost. Gives whether there was one.
   */
  #damage(): boolean {
    const journal = join(this.#data, 'journal')
    if (!existsSync(join(journal, 'CURRENT'))) return false
    const manifest = readFileSync(join(journal, 'CURRENT'), 'utf8').trim()
    // A record of 16 bytes (length, type) whose checksum is wrong.
    appendFileSync(join(journal, manifest), Buffer.from(`00000000100001${'00'.repeat(16)}`, 'hex'))
    return true
  }

  release(): void {
    this.#next.kill()
  }

  /** A phase, a kind of call in it, and one of its places in the profile, each as likely. */
  #choose(profile: readonly PlacedCall[]): Injection {
    const phases = PHASES.filter(phase => profile.some(placed => placed.phase === phase))
    const phase = this.#options.phase ?? phases[below(this.#random, phases.length)]
    const inPhase = profile.filter(placed => placed.phase === phase)
    const kinds = [...new Set(inPhase.map(({ kind }) => kind))]
    const kind = kinds[below(this.#random, kinds.length)]
    const places = inPhase.filter(placed => placed.kind === kind)
    const place = places[below(this.#random, places.length)]
    if (place === undefined) throw new Error('the profile shows no call on the journal')
    return { name: place.call.name, when: place.nth }
  }

  async #run(options: {
    readonly sales: number
    readonly at?: Injection
    readonly isDamaged?: boolean
  }): Promise<{
    readonly calls: readonly PlacedCall[]
    readonly killed: PlacedCall | undefined
    readonly isDead: boolean
  }> {
    const { sales, at, isDamaged = false } = options
    const running = this.#next
    // Node takes longer to start than a run lasts: the next one starts beside it.
    this.#next = new RunningJournal(this.#process)
    await running.ready
    const trace = await Trace.attach({
      pid: running.pid,
      calls: CALLS,
      file: join(this.#options.directory, 'trace'),
      textBytes: TEXT_BYTES,
      ...(at === undefined ? {} : { kill: at }),
    })
    await this.#shop.sellThrough(running, { sales })
    const { signal } = await running.ended
    const calls = placeCalls(await trace.calls(), { data: this.#data, isDamaged })
    const killed = calls.find(
      ({ call, nth }) => call.result === undefined && call.name === at?.name && nth === at.when,
    )
    return { calls, killed, isDead: signal === 'SIGKILL' }
  }
}
