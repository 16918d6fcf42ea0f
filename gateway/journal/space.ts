import type { Clock, MonotonicMs } from '../core/clock.js'
import { bytesOfDisk, type DiskSize } from '../core/disk-size.js'
import { TillbridgeError } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import { AppendRate } from './append-rate.js'
import { writeFailure } from './failure.js'
import type { Volume, VolumeUsage } from './volume.js'

export interface SpaceSettings {
  /** What the journal may take up. */
  readonly quota: DiskSize
  /** What only money may still be written into. */
  readonly keepFree: DiskSize
}

/** What the journal takes up and may still take, as of the last look. */
export interface SpaceFigures {
  readonly journalBytes: number
  readonly quotaBytes: number
  /** Until nothing is taken any more; negative where that is so. */
  readonly roomBytes: number
  /** Until only money is taken any more. */
  readonly spareBytes: number
  /** What must go so that there is room to spare again; 0 while there is. */
  readonly shortfallBytes: number
  /** Appended in an hour, where that is known. */
  readonly bytesPerHour: number | undefined
}

/**
 * The disk as the journal may use it. What may be appended is decided here by the last look and by
 * what was appended since, before LevelDB runs into a full disk.
 */
export class JournalSpace {
  readonly #volume: Volume
  readonly #settings: SpaceSettings
  readonly #clock: Clock
  readonly #rate: AppendRate
  #usage: VolumeUsage
  #appendedSince = 0
  #lookedMs: MonotonicMs
  #looking: Promise<void> | undefined

  /** Looks once. @throws what the disk throws. */
  static async open(options: {
    readonly volume: Volume
    readonly settings: SpaceSettings
    readonly clock: Clock
  }): Promise<JournalSpace> {
    return new JournalSpace(options, await options.volume.usage())
  }

  private constructor(
    options: { readonly volume: Volume; readonly settings: SpaceSettings; readonly clock: Clock },
    usage: VolumeUsage,
  ) {
    this.#volume = options.volume
    this.#settings = options.settings
    this.#clock = options.clock
    this.#rate = new AppendRate(options.clock)
    this.#usage = usage
    this.#lookedMs = options.clock.monotonicMs()
  }

  get figures(): SpaceFigures {
    const { freeBytes, diskBytes, reserveBytes } = this.#usage
    const journalBytes = this.#usage.journalBytes + this.#appendedSince
    const quotaBytes = bytesOfDisk(this.#settings.quota, diskBytes)
    const keptBytes = bytesOfDisk(this.#settings.keepFree, diskBytes)
    // A reserve that was given up is not for selling: its room counts as taken until it is back.
    const free = freeBytes - this.#appendedSince - Math.max(0, LIMITS.reserveBytes - reserveBytes)
    const roomBytes = Math.min(quotaBytes - journalBytes, free - LIMITS.diskFloorBytes)
    const spareBytes = Math.min(
      quotaBytes * LIMITS.spareShare - journalBytes,
      free - Math.max(keptBytes, LIMITS.diskFloorBytes),
    )
    const wantedBytes = quotaBytes * LIMITS.reliefShare
    const shortfallBytes = spareBytes < wantedBytes ? 2 * wantedBytes - spareBytes : 0
    const { bytesPerHour } = this.#rate
    return { journalBytes, quotaBytes, roomBytes, spareBytes, shortfallBytes, bytesPerHour }
  }

  /** @throws what the disk throws. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  /** @throws TillbridgeError TB_JOURNAL_FULL; TB_JOURNAL_LOW where only money is still taken. */
  admit(append: { readonly isMoney: boolean; readonly bytes: number }): void {
    const { isMoney, bytes } = append
    const { roomBytes, spareBytes } = this.figures
    const leftBytes = isMoney ? roomBytes : Math.min(roomBytes, spareBytes)
    if (bytes <= leftBytes) return
    // What was appended since the last look is counted uncompressed: perhaps there is room.
    if (this.#clock.monotonicMs() - this.#lookedMs >= LIMITS.lookAgainMs)
      this.look().catch(() => undefined) // the next one says so
    const room = `${Math.max(0, Math.floor(roomBytes / 1024))} KiB of room`
    if (bytes > roomBytes) throw new TillbridgeError('TB_JOURNAL_FULL', `${room} left`)
    throw new TillbridgeError('TB_JOURNAL_LOW', `${room} left, kept for money`)
  }

  /** Looks, and writes a little beside the journal: whether a sale would find its place now. */
  async takesMoney(): Promise<boolean> {
    try {
      await this.look()
      await this.#volume.probe()
      return this.figures.roomBytes >= LIMITS.eventBytes
    } catch {
      return false
    }
  }

  appended(bytes: number): void {
    this.#appendedSince += bytes
    this.#rate.add(bytes)
  }

  /**
   * Before LevelDB is opened: it needs room even where nothing is to be written. The reserve is
   * given up where nothing else is left.
   * @throws what the disk throws.
   */
  async makeWay(): Promise<void> {
    await this.look()
    const { freeBytes, reserveBytes } = this.#usage
    if (freeBytes >= LIMITS.openEasyBytes || reserveBytes === 0) return
    await this.#volume.giveUpReserve()
    await this.look()
  }

  /**
   * Before a database that takes no writes is closed to be opened anew: as long as that would fail,
   * it is better read than closed.
   * @throws TillbridgeError TB_JOURNAL_WRITE
   */
  async makeWayToReopen(): Promise<void> {
    try {
      await this.makeWay()
      await this.#volume.probe()
    } catch (thrown) {
      throw writeFailure(thrown)
    }
    const { freeBytes } = this.#usage
    if (freeBytes < LIMITS.openLeastBytes)
      throw new TillbridgeError('TB_JOURNAL_WRITE', `${freeBytes} bytes are left on the disk`)
  }

  /** Makes the reserve again once there is room for it. @throws what the disk throws. */
  async keepReserve(): Promise<void> {
    const { freeBytes, reserveBytes } = this.#usage
    const isWhole = reserveBytes >= LIMITS.reserveBytes
    if (isWhole || freeBytes < LIMITS.reserveBytes + LIMITS.openLeastBytes) return
    await this.#volume.makeReserve()
    await this.look()
  }

  async #look(): Promise<void> {
    const appendedBefore = this.#appendedSince
    this.#usage = await this.#volume.usage()
    this.#appendedSince -= appendedBefore
    this.#lookedMs = this.#clock.monotonicMs()
  }
}
