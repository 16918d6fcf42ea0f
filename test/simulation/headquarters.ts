import { HqServer } from '../../gateway/hq/hq-server.js'
import type { Ledger } from '../../gateway/hq/ledger.js'
import { openLevelLedger } from '../../gateway/hq/level-ledger.js'
import type { MqttMessage } from '../../gateway/mqtt/connection.js'
import type { EpochReceipt } from '../../gateway/wire/receipt.js'
import { ledgerWith } from '../support/ledger-with.js'
import { below, STORE } from '../support/sample.js'
import { Disk, type Table } from './disk.js'
import { placesIn } from './facts.js'
import { SimulatedConnection } from './network.js'
import type { SiteOptions } from './store.js'
import { Life, type WallClock } from './timeline.js'

const DAY_MS = 24 * 60 * 60 * 1000
const BACKUPS_KEPT = 2
/** Where HQ gives no `safe` mark, its backups must be younger than the days a store keeps. */
const BACKUP_DAYS = 30

interface Backup {
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

  backUp(): void {
    const taken = { table: this.disk.durable.copy(), atMs: this.#options.timeline.nowMs }
    this.#backups = [...this.#backups, taken].slice(-BACKUPS_KEPT)
  }

  /** Puts a backup back; later ones belong to a past that no longer was. Whether there is one. */
  restore(downMs: number): boolean {
    const { backups } = this
    const backup = backups[below(this.#options.random, backups.length)]
    if (backup === undefined || this.#life === undefined) return false
    this.crash({ downMs, backup })
    const index = this.#backups.findIndex(({ table }) => table === backup)
    this.#backups = this.#backups.slice(0, index + 1)
    return true
  }

  async #run(life: Life): Promise<void> {
    const { random, logger, topics, seams, broker, timeline, onPublish } = this.#options
    const { clock } = life
    const database = this.disk.database(life)
    const opened = await openLevelLedger({ database, clock, random })
    this.#ledger = opened
    const marked = this.reportsSafe ? this.#marking(opened) : opened
    const ledger = timed(seams.ledger?.(marked) ?? marked, () => timeline.compressionEnds())
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

  /** A ledger whose receipts say what every backup holds. */
  #marking(ledger: Ledger): Ledger {
    return ledgerWith(ledger, {
      receipt: async (store, asked) => {
        const receipt = await ledger.receipt(store, asked)
        const held = this.backups.map(placesIn)
        const epochs = receipt.epochs.map(epoch => ({ ...epoch, safe: safeOf(epoch, held) }))
        return { ...receipt, epochs }
      },
    })
  }
}

function safeOf({ epoch, upTo }: EpochReceipt, held: readonly ReadonlySet<string>[]): number {
  if (held.length === 0) return 0
  let safe = 0
  while (safe < upTo && held.every(places => places.has(`${epoch}/${safe + 1}`))) safe += 1
  return safe
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
