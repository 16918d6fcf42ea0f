import { HqServer } from '../../gateway/hq/hq-server.js'
import type { MqttMessage } from '../../gateway/mqtt/connection.js'
import { ledgerWith } from '../support/ledger-with.js'
import { below } from '../support/sample.js'
import type { Table } from './disk.js'
import { LedgerService } from './ledger-service.js'
import { SimulatedConnection } from './network.js'
import type { SiteOptions } from './site.js'
import { Life } from './timeline.js'

const DAY_MS = 24 * 60 * 60 * 1000
const BACKUPS_KEPT = 2
/** Where HQ gives no `safe` mark, its backups must be younger than the days a store keeps. */
const BACKUP_DAYS = 30
/** Longest time that a backup takes, and as long between its end and the word of it. */
const BACKUP_MS = 60_000

interface Backup {
  /** Of the ledger's backup point; 0 where it is not told. */
  readonly id: number
  readonly table: Table
  readonly atMs: number
}

export interface HeadquartersOptions extends SiteOptions {
  readonly receivers: number
  /** The ledger is told of its backups, so that its receipts say what they hold. */
  readonly reportsSafe: boolean
  readonly onPublish: (message: MqttMessage) => void
}

/** HQ: real receivers on one real ledger, which is backed up and restored. */
export class Headquarters {
  readonly database: LedgerService
  readonly reportsSafe: boolean
  readonly receivers: readonly ReceiverProcess[]
  readonly #options: HeadquartersOptions
  #backups: readonly Backup[] = []
  #isBackingUp = false
  /** The backup that was put back: the ledger knows only that it was begun, until it is told. */
  #untoldId: number | undefined
  /** Counts restores: what was begun before one is given up. */
  #past = 0

  constructor(options: HeadquartersOptions) {
    this.#options = options
    this.reportsSafe = options.reportsSafe
    this.database = new LedgerService(options)
    this.receivers = Array.from({ length: options.receivers }, (_, index) => {
      return new ReceiverProcess({ ...options, name: `hq-${index}`, database: this.database })
    })
  }

  /** What HQ might restore from now, oldest first. */
  get backups(): readonly Table[] {
    const nowMs = this.#options.timeline.nowMs
    return this.#backups
      .filter(({ atMs }) => this.reportsSafe || nowMs - atMs < BACKUP_DAYS * DAY_MS)
      .map(({ table }) => table)
  }

  boot(): void {
    this.database.boot()
    for (const receiver of this.receivers) receiver.boot()
  }

  /** Everything at once. */
  crash(downMs: number): void {
    this.database.crash({ downMs })
    for (const receiver of this.receivers) receiver.kill(downMs)
  }

  /** Where the ledger is told of it, its two words stand around the copy. */
  async backUp(): Promise<void> {
    if (!this.reportsSafe) return this.#keep({ id: 0, table: this.database.disk.durable.copy() })
    if (this.#isBackingUp) return
    this.#isBackingUp = true
    await this.#backUp().catch(() => undefined) // the database went away: the next one
    this.#isBackingUp = false
  }

  async #backUp(): Promise<void> {
    const { timeline, random } = this.#options
    const life = new Life({ timeline, wall: { offsetMs: 0 } })
    const ledger = this.database.connect(life)
    const past = this.#past
    // After a restore the operator says that the backup it came from still exists (docs/hq.md).
    if (this.#untoldId !== undefined) await ledger.endBackup(this.#untoldId, BACKUPS_KEPT)
    if (past === this.#past) this.#untoldId = undefined
    const { id } = await ledger.beginBackup()
    await life.sleep(random.unit() * BACKUP_MS)
    const table = this.database.disk.durable.copy()
    await life.sleep(random.unit() * BACKUP_MS)
    if (past !== this.#past) return
    // From the moment when the ledger is asked it may count the oldest as gone.
    this.#backups = this.#backups.slice(1 - BACKUPS_KEPT)
    await ledger.endBackup(id, BACKUPS_KEPT)
    if (past === this.#past) this.#keep({ id, table })
  }

  /**
   * Puts a backup back; later ones belong to a past that no longer was. Receivers are stopped for
   * it, or not. Whether there was one.
   */
  restore(options: { readonly downMs: number; readonly isLive: boolean }): boolean {
    const { downMs, isLive } = options
    const { backups } = this
    const backup = backups[below(this.#options.random, backups.length)]
    if (backup === undefined) return false
    this.#past += 1
    const index = this.#backups.findIndex(({ table }) => table === backup)
    if (this.reportsSafe) this.#untoldId = this.#backups[index]?.id
    this.#backups = this.#backups.slice(0, index + 1)
    this.database.crash({ downMs, backup })
    if (!isLive) for (const receiver of this.receivers) receiver.kill(downMs + 1000)
    return true
  }

  #keep(made: Pick<Backup, 'id' | 'table'>): void {
    const taken = { ...made, atMs: this.#options.timeline.nowMs }
    this.#backups = [...this.#backups, taken].slice(-BACKUPS_KEPT)
  }
}

/** One process of `tillbridge hq`. */
class ReceiverProcess {
  readonly #options: HeadquartersOptions & {
    readonly name: string
    readonly database: LedgerService
  }
  #life: Life | undefined
  #connection: SimulatedConnection | undefined

  constructor(
    options: HeadquartersOptions & { readonly name: string; readonly database: LedgerService },
  ) {
    this.#options = options
  }

  get connection(): SimulatedConnection | undefined {
    return this.#connection
  }

  boot(): void {
    if (this.#life !== undefined) return
    const { random, logger, topics, broker, timeline, database, name, onPublish } = this.#options
    const life = new Life({ timeline, wall: { offsetMs: 0 } })
    const { clock } = life
    const connection = new SimulatedConnection({
      name,
      life,
      broker,
      onPublish,
      onDelivered: ({ topic }) => {
        if (topics.storeOf(topic, 'journal') !== undefined) timeline.compressionBegins()
      },
    })
    this.#life = life
    this.#connection = connection
    const far = database.connect(life)
    // A batch is unpacked in real time before it is committed.
    const ledger = ledgerWith(far, {
      commit: batch => {
        timeline.compressionEnds()
        return far.commit(batch)
      },
    })
    new HqServer({ ledger, connection, topics, logger, clock, random }).start()
    connection.start()
  }

  /** It ends between two steps of what it does; what it asked of the database may happen yet. */
  kill(downMs: number): void {
    if (this.#life === undefined) return
    const life = this.#life
    this.#life = undefined
    this.#connection = undefined
    life.end()
    this.#options.timeline.schedule(downMs, () => this.boot())
  }
}
