import { HqServer } from '../../gateway/hq/hq-server.js'
import type { Ledger } from '../../gateway/hq/ledger.js'
import { openLevelLedger } from '../../gateway/hq/level-ledger.js'
import type { MqttMessage } from '../../gateway/mqtt/connection.js'
import { ledgerWith } from '../support/ledger-with.js'
import { below, STORE } from '../support/sample.js'
import { Disk, type Table } from './disk.js'
import { SimulatedConnection } from './network.js'
import type { SiteOptions } from './store.js'
import { Life, type WallClock } from './timeline.js'

const DAY_MS = 24 * 60 * 60 * 1000
const BACKUPS_KEPT = 2
/** Where HQ gives no `safe` mark, its backups must be younger than the days a store keeps. */
const BACKUP_DAYS = 30

interface Backup {
  /** Of the ledger's backup point; 0 where it is not told. */
  readonly id: number
  readonly table: Table
  readonly atMs: number
}

export interface HeadquartersOptions extends SiteOptions {
  /** Its receipts say what every backup holds. */
  readonly reportsSafe: boolean
  readonly onPublish: (message: MqttMessage) => void
}

/** HQ: the real server on the real ledger, on a disk that is backed up and restored. */
export class Headquarters {
  readonly disk: Disk
  readonly reportsSafe: boolean
  readonly #options: HeadquartersOptions
  readonly #wall: WallClock = { offsetMs: 0 }
  #life: Life | undefined
  #connection: SimulatedConnection | undefined
  #ledger: Ledger | undefined
  #backups: readonly Backup[] = []
  /** A backup that exists, until the ledger has been told: the newest, or the one put back. */
  #untoldId: number | undefined

  constructor(options: HeadquartersOptions) {
    this.#options = options
    this.reportsSafe = options.reportsSafe
    this.disk = new Disk(options.random)
  }

  get ledger(): Ledger | undefined {
    return this.#ledger
  }

  get connection(): SimulatedConnection | undefined {
    return this.#connection
  }

  /** What HQ might restore from now. */
  get backups(): readonly Table[] {
    const nowMs = this.#options.timeline.nowMs
    return this.#backups
      .filter(({ atMs }) => this.reportsSafe || nowMs - atMs < BACKUP_DAYS * DAY_MS)
      .map(({ table }) => table)
  }

  boot(): void {
    if (this.#life !== undefined) return
    const life = new Life({ timeline: this.#options.timeline, wall: this.#wall })
    this.#life = life
    this.#run(life).catch(this.#options.fail)
  }

  crash(options: { readonly downMs: number; readonly backup?: Table }): void {
    if (this.#life === undefined) return
    this.#life.end()
    this.#life = undefined
    this.#ledger = undefined
    this.#connection = undefined
    if (options.backup === undefined) this.disk.powerCut()
    else this.disk.restore(options.backup)
    this.#options.timeline.schedule(options.downMs, () => this.boot())
  }

  /** Where HQ reports `safe`, its ledger is told of the backup as an operator would. */
  backUp(): void {
    const ledger = this.#ledger
    if (this.reportsSafe && ledger !== undefined) this.#backUpWith(ledger).catch(this.#options.fail)
    else if (!this.reportsSafe) this.#keep({ id: 0 })
  }

  /** Puts a backup back; later ones belong to a past that no longer was. Whether there is one. */
  restore(downMs: number): boolean {
    const { backups } = this
    const table = backups[below(this.#options.random, backups.length)]
    if (table === undefined || this.#life === undefined) return false
    const index = this.#backups.findIndex(backup => backup.table === table)
    this.#untoldId = this.#backups[index]?.id
    this.#backups = this.#backups.slice(0, index + 1)
    this.crash({ downMs, backup: table })
    return true
  }

  /** A crash of HQ in between ends it: what was waited for never comes. */
  async #backUpWith(ledger: Ledger): Promise<void> {
    const { id } = await ledger.beginBackup()
    // What is older than those kept is thrown away before the ledger hears of the new one.
    this.#keep({ id })
    this.#untoldId = id
    await this.#tell(ledger)
  }

  async #tell(ledger: Ledger): Promise<void> {
    if (this.#untoldId !== undefined) await ledger.endBackup(this.#untoldId, BACKUPS_KEPT)
    this.#untoldId = undefined
  }

  #keep({ id }: Pick<Backup, 'id'>): void {
    const taken = { id, table: this.disk.durable.copy(), atMs: this.#options.timeline.nowMs }
    this.#backups = [...this.#backups, taken].slice(-BACKUPS_KEPT)
  }

  async #run(life: Life): Promise<void> {
    const { random, logger, topics, seams, broker, timeline, onPublish } = this.#options
    const { clock } = life
    const database = this.disk.database(life)
    const opened = await openLevelLedger({ database, clock, random })
    if (this.reportsSafe) await this.#tell(opened)
    this.#ledger = opened
    const ledger = timed(seams.ledger?.(opened) ?? opened, () => timeline.compressionEnds())
    const connection = new SimulatedConnection({
      name: 'hq',
      life,
      broker,
      onPublish,
      onDelivered: ({ topic }) => {
        if (topic === topics.journal(STORE)) timeline.compressionBegins()
      },
    })
    this.#connection = connection
    new HqServer({ ledger, connection, topics, logger, clock, random }).start()
    connection.start()
  }
}

/** A batch is unpacked in real time before it is committed. */
function timed(ledger: Ledger, unpacked: () => void): Ledger {
  return ledgerWith(ledger, {
    commit: batch => {
      unpacked()
      return ledger.commit(batch)
    },
  })
}
