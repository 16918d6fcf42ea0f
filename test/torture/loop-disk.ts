import { execFile } from 'node:child_process'
import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

const IMAGE_BYTES = 64 * 1024 * 1024

/** Why no power can be cut here, or nothing where it can. */
export function powerCutObstacle(): string | undefined {
  if (process.getuid?.() === 0) return undefined
  return 'power cuts mount an ext4 image: run this as root, with /dev/loop-control and xfsprogs'
}

/**
 * An ext4 file system on an image file, whose power can be cut: what was not on the disk at that
 * moment is gone, as the kernel never writes again to a file system that was shut down.
 */
export class LoopDisk {
  readonly #image: string
  readonly #options: string
  readonly path: string
  #isMounted = false

  /** `options` are those of mount(8) for ext4. */
  static async make(directory: string, options: string): Promise<LoopDisk> {
    const image = join(directory, 'disk.img')
    mkdirSync(directory, { recursive: true })
    writeFileSync(image, '')
    truncateSync(image, IMAGE_BYTES)
    await run('mkfs.ext4', ['-q', '-F', image])
    const disk = new LoopDisk({ image, options, path: join(directory, 'disk') })
    mkdirSync(disk.path, { recursive: true })
    await disk.#mount()
    return disk
  }

  private constructor(options: {
    readonly image: string
    readonly options: string
    readonly path: string
  }) {
    this.#image = options.image
    this.#options = options.options
    this.path = options.path
  }

  /**
   * Whoever writes must be frozen: an fsync under way would be told that it succeeded.
   * `metadata`: the file system's own journal reaches the disk before, files' contents do not.
   */
  async cut(options: { readonly metadata: boolean }): Promise<void> {
    const command = options.metadata ? 'shutdown -f' : 'shutdown'
    await run('xfs_io', ['-x', '-c', command, this.path])
  }

  /** As at the next start: ext4 replays its journal. */
  async restart(): Promise<void> {
    await this.#unmount()
    await this.#mount()
  }

  async remove(): Promise<void> {
    await this.#unmount()
    rmSync(this.#image)
  }

  /** mount(8) sets the loop device up so that unmounting frees it. */
  async #mount(): Promise<void> {
    await run('mount', ['-t', 'ext4', '-o', `loop,${this.#options}`, this.#image, this.path])
    this.#isMounted = true
  }

  async #unmount(): Promise<void> {
    if (!this.#isMounted) return
    await run('umount', [this.path])
    this.#isMounted = false
  }
}
