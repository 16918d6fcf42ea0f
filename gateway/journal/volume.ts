import { open, readdir, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCodeOf } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import type { Random } from '../core/random.js'

export interface VolumeUsage {
  /** What the journal's files take up. */
  readonly journalBytes: number
  /** What the file system still gives to this user, and its size. */
  readonly freeBytes: number
  readonly diskBytes: number
  /** What the reserve takes up; 0 where it was given up. */
  readonly reserveBytes: number
}

/** The disk under a journal; each call rejects as the disk does. */
export interface Volume {
  usage(): Promise<VolumeUsage>
  /** Rejects where the disk takes no write: it is full, read-only or broken. */
  probe(): Promise<void>
  /** Gives its room back, for LevelDB opens nothing on a full disk. */
  giveUpReserve(): Promise<void>
  /** Really allocated: no hole, nothing a file system could compress. */
  makeReserve(): Promise<void>
}

const MIB = 1024 * 1024
/** Unit of `st_blocks`, whatever the file system's own. */
const BLOCK_BYTES = 512

/** Probe and reserve stand beside the journal's own directory, on the same disk. */
export class DirectoryVolume implements Volume {
  readonly #folder: string
  readonly #journal: string
  readonly #random: Random
  /** LevelDB never changes a table that it has written: one that stopped growing is known. */
  readonly #tables = new Map<string, { readonly bytes: number; readonly isWritten: boolean }>()

  constructor(options: {
    readonly dataDir: string
    /** Folder of the journal, on the same disk. */
    readonly journal: string
    readonly random: Random
  }) {
    this.#folder = options.dataDir
    this.#journal = options.journal
    this.#random = options.random
  }

  async usage(): Promise<VolumeUsage> {
    const [{ bavail, blocks, bsize }, journalBytes, reserveBytes] = await Promise.all([
      statfs(this.#folder),
      this.#journalBytes(),
      allocatedBytes(this.#reserve),
    ])
    return { journalBytes, freeBytes: bavail * bsize, diskBytes: blocks * bsize, reserveBytes }
  }

  async probe(): Promise<void> {
    const path = join(this.#folder, 'probe')
    await writeSynced(path, { bytes: 4096, block: this.#random.bytes(4096) })
    await rm(path)
  }

  async giveUpReserve(): Promise<void> {
    await rm(this.#reserve, { force: true })
  }

  async makeReserve(): Promise<void> {
    try {
      const block = this.#random.bytes(MIB)
      await writeSynced(this.#reserve, { bytes: LIMITS.reserveBytes, block })
    } catch (thrown) {
      await this.giveUpReserve()
      throw thrown
    }
  }

  get #reserve(): string {
    return join(this.#folder, 'reserve')
  }

  async #journalBytes(): Promise<number> {
    const names = await readdir(this.#journal)
    const sizes = await Promise.all(names.map(name => this.#fileBytes(name)))
    for (const name of this.#tables.keys()) if (!names.includes(name)) this.#tables.delete(name)
    return sizes.reduce((sum, bytes) => sum + bytes, 0)
  }

  async #fileBytes(name: string): Promise<number> {
    const known = this.#tables.get(name)
    if (known?.isWritten) return known.bytes
    const bytes = await allocatedBytes(join(this.#journal, name))
    if (name.endsWith('.ldb')) this.#tables.set(name, { bytes, isWritten: known?.bytes === bytes })
    return bytes
  }
}

async function writeSynced(
  path: string,
  content: { readonly bytes: number; readonly block: Uint8Array },
): Promise<void> {
  const file = await open(path, 'w')
  try {
    for (let left = content.bytes; left > 0; left -= content.block.length) {
      await file.writeFile(content.block.subarray(0, left))
      // Piece by piece: a sale must not have to wait for all of it.
      await file.sync()
    }
  } finally {
    await file.close()
  }
}

/** 0 where there is no such file (any more). */
async function allocatedBytes(path: string): Promise<number> {
  try {
    const { blocks } = await stat(path)
    return blocks * BLOCK_BYTES
  } catch (thrown) {
    if (systemCodeOf(thrown) === 'ENOENT') return 0
    throw thrown
  }
}
