import { TillbridgeError } from '../../gateway/core/errors.js'
import type { Leadership, Ledger } from '../../gateway/hq/ledger.js'
import { openLevelLedger } from '../../gateway/hq/level-ledger.js'
import { ledgerWith } from '../support/ledger-with.js'
import { Disk, isNoSpace, type Table } from './disk.js'
import type { SiteOptions } from './site.js'
import { Life } from './timeline.js'

/** A process of the database: whoever asks it when it ends learns that the connection is lost. */
interface Server {
  readonly life: Life
  readonly ledger: Ledger
  readonly gone: Promise<never>
}

/**
 * The real ledger as a service of its own, as PostgreSQL is: it goes away, comes back and is
 * restored under receivers that live on.
 */
export class LedgerService {
  readonly disk: Disk
  readonly #options: SiteOptions
  readonly #bells = new Set<() => void>()
  #life: Life | undefined
  #server: Server | undefined

  constructor(options: SiteOptions) {
    this.#options = options
    this.disk = new Disk(options.random)
  }

  /** Nothing while it is down or starts. */
  get ledger(): Ledger | undefined {
    return this.#server?.ledger
  }

  boot(): void {
    if (this.#life !== undefined) return
    const life = new Life({ timeline: this.#options.timeline, wall: { offsetMs: 0 } })
    this.#life = life
    this.#open(life).catch(thrown => this.#failed(life, thrown))
  }

  /** `backup`: it comes back as an older state of itself. */
  crash(options: { readonly downMs: number; readonly backup?: Table }): void {
    if (this.#life === undefined) return
    const life = this.#life
    this.#life = undefined
    this.#server = undefined
    life.end()
    if (options.backup === undefined) this.disk.powerCut()
    else this.disk.restore(options.backup)
    this.#options.timeline.schedule(options.downMs, () => this.boot())
  }

  /** The ledger as one process has it that works on it. */
  connect(life: Life): Ledger {
    const far = new Proxy({} as Ledger, {
      get: (_, name: keyof Ledger) => {
        return (...given: unknown[]) =>
          this.#ask(life, ledger => Reflect.apply(ledger[name], ledger, given))
      },
    })
    return ledgerWith(far, {
      lead: () => this.#ask(life, (ledger, server) => this.#lead({ life, ledger, server })),
      onCommitted: listener => {
        const ring = (): void => {
          if (!life.isOver) listener()
        }
        this.#bells.add(ring)
        return () => this.#bells.delete(ring)
      },
    })
  }

  async #open(life: Life): Promise<void> {
    const { random, seams } = this.#options
    const database = this.disk.database(life)
    await database.open()
    const opened = await openLevelLedger({
      database,
      clock: life.clock,
      random,
    })
    const ledger = seams.ledger?.(opened) ?? opened
    const gone = new Promise<never>((_, reject) => life.atEnd(() => reject(away())))
    gone.catch(() => undefined)
    this.#server = { life, ledger, gone }
    const ring = (): void => {
      for (const bell of this.#bells) bell()
    }
    ledger.onCommitted(ring)
    ring()
  }

  /** Without room for its files no database opens; it is started again. */
  #failed(life: Life, thrown: unknown): void {
    if (isNoSpace(thrown) && this.#life === life) {
      this.#life = undefined
      life.end()
      this.#options.timeline.schedule(10_000, () => this.boot())
    } else if (!isNoSpace(thrown)) this.#options.fail(thrown)
  }

  async #ask<Value>(
    life: Life,
    ask: (ledger: Ledger, server: Server) => Promise<Value>,
  ): Promise<Value> {
    const server = this.#server
    await life.sleep(this.#options.random.unit())
    if (server === undefined || server !== this.#server) throw away()
    const answer = Promise.race([ask(server.ledger, server), server.gone])
    // A process that is over hears no answer.
    return new Promise((resolve, reject) => {
      const hear = (tell: () => void) => (life.isOver ? undefined : tell())
      answer.then(
        value => hear(() => resolve(value)),
        thrown => hear(() => reject(thrown)),
      )
    })
  }

  /** It ends with the connection it was given on. */
  async #lead(asked: {
    readonly life: Life
    readonly ledger: Ledger
    readonly server: Server
  }): Promise<Leadership | undefined> {
    const { life, ledger, server } = asked
    const leadership = await ledger.lead()
    if (leadership === undefined) return undefined
    const lost = new AbortController()
    server.life.atEnd(() => lost.abort())
    life.atEnd(() => void leadership.resign())
    if (life.isOver) await leadership.resign()
    return { lost: lost.signal, resign: () => leadership.resign() }
  }
}

function away(): TillbridgeError {
  return new TillbridgeError('TB_LEDGER_WRITE', 'the database went away')
}
