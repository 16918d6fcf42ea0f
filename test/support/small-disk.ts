import { execFileSync, spawnSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statfsSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { Test } from 'tap'
import { until } from './until.js'

// Not TILLBRIDGE_…: a gateway that the test starts would refuse a name that it does not know.
const MARK = 'TEST_OWN_MOUNTS'
const MIB = 1024 * 1024

/**
 * Runs the calling test file in a mount namespace of its own: what it mounts is gone with it,
 * however it ends. It needs root; without, the file fails, for a skipped test proves nothing.
 */
export function inOwnMounts(): void {
  if (process.env[MARK] === 'own') return
  const again = ['--mount', process.execPath, ...process.execArgv, ...process.argv.slice(1)]
  const env = { ...process.env, [MARK]: 'own' }
  const { status } = spawnSync('unshare', again, { stdio: 'inherit', env })
  process.exit(status ?? 1)
}

/** A small ext4 of its own, as on a card. */
export class SmallDisk {
  readonly directory: string
  /** As the kernel calls it: loop0. */
  readonly device: string
  readonly #image: string

  constructor(t: Pick<Test, 'teardown'>, options: { readonly mib: number }) {
    // The runner empties its own folders before it tears down what is mounted there.
    const place = mkdtempSync(join(tmpdir(), 'tillbridge-disk-'))
    const image = join(place, 'image')
    this.#image = image
    this.directory = join(place, 'disk')
    mkdirSync(this.directory)
    writeFileSync(image, '')
    truncateSync(image, options.mib * MIB)
    execFileSync('mkfs.ext4', ['-q', '-m', '0', image])
    execFileSync('mount', ['-o', 'loop,errors=remount-ro', image, this.directory])
    t.teardown(() => {
      if (this.#isMounted) execFileSync('umount', ['--lazy', this.directory])
      rmSync(place, { recursive: true })
    })
    const said = execFileSync('findmnt', ['-no', 'SOURCE', this.directory], { encoding: 'utf8' })
    this.device = basename(said.trim())
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.directory)
    return bavail * bsize
  }

  holds(name: string): boolean {
    return existsSync(join(this.directory, name))
  }

  /** Its path is an empty folder again; what has files of it open may go on with them. */
  pull(): void {
    execFileSync('umount', ['--lazy', this.directory])
  }

  /** Back in its place once nothing has a file of it open any more: a disk is mounted once. */
  async plug(): Promise<void> {
    const devices = (): string =>
      execFileSync('losetup', ['--associated', this.#image], { encoding: 'utf8' })
    await until('nobody has it open', () => devices() === '')
    execFileSync('mount', ['-o', 'loop,errors=remount-ro', this.#image, this.directory])
  }

  get #isMounted(): boolean {
    return spawnSync('findmnt', [this.directory]).status === 0
  }

  /**
   * Another program takes what is left, but for about so many bytes. ext4 may refuse a write that
   * is as large as what it calls free, and take one of half its size.
   */
  fill({ leaving }: { readonly leaving: number }): void {
    const block = Buffer.alloc(MIB, 1)
    const most = this.freeBytes - leaving - 4 * MIB
    if (most > 0) execFileSync('fallocate', ['--length', String(most), `${this.#filler}-1`])
    for (let size = MIB; size >= 4096; ) {
      const left = this.#toFill(leaving)
      if (left === 0) return
      if (!this.#append(block.subarray(0, Math.min(left, size)))) size /= 2
    }
  }

  /** Whether it was taken whole, and is on the disk. */
  #append(bytes: Uint8Array): boolean {
    try {
      appendFileSync(`${this.#filler}-2`, bytes, { flush: true })
      return true
    } catch (thrown) {
      if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOSPC') return false
      throw thrown
    }
  }

  free(): void {
    for (const part of [1, 2]) rmSync(`${this.#filler}-${part}`, { force: true })
  }

  /** What the kernel does after an error of the device: no write any more, for good. */
  breakIntoReadOnly(): void {
    writeFileSync(`/sys/fs/ext4/${this.device}/trigger_fs_error`, 'test')
  }

  /** By its path it is read-only for a while; what is open already goes on as it likes. */
  cover(): () => void {
    const { directory } = this
    execFileSync('mount', ['--bind', directory, directory])
    execFileSync('mount', ['-o', 'remount,bind,ro', directory])
    return () => execFileSync('umount', [directory])
  }

  #toFill(leaving: number): number {
    const left = this.freeBytes - leaving
    return left < 4096 ? 0 : left
  }

  get #filler(): string {
    return join(this.directory, 'filler')
  }
}
