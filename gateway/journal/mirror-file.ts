import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { LIMITS } from '../core/limits.js'
import { FIRST_DIGEST, makeFrame } from './mirror-frames.js'

interface Waiting {
  readonly payload: Uint8Array
  readonly sync: boolean
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}

/** Where a file of frames ends. */
export interface FileEnd {
  readonly bytes: number
  readonly digest: Uint8Array
}

/**
 * Appends frames to a file by plain writes. LevelDB would map the stick's files into memory: one
 * that is pulled out then kills the process (SIGBUS), where a write merely fails.
 */
export class MirrorFile {
  readonly #file: FileHandle
  readonly #waiting: Waiting[] = []
  #end: FileEnd
  #queuedBytes = 0
  #running: Promise<void> | undefined
  #failure: unknown

  /** Behind the end of a file that is there, whose rest goes; or a new file. */
  static async open(path: string, end?: FileEnd): Promise<MirrorFile> {
    if (end === undefined)
      return new MirrorFile(await open(path, 'wx'), { bytes: 0, digest: FIRST_DIGEST })
    const file = await open(path, constants.O_RDWR)
    try {
      await file.truncate(end.bytes)
      await file.sync()
      return new MirrorFile(file, end)
    } catch (thrown) {
      await file.close()
      throw thrown
    }
  }

  private constructor(file: FileHandle, end: FileEnd) {
    this.#file = file
    this.#end = end
  }

  get bytes(): number {
    return this.#end.bytes + this.#queuedBytes
  }

  /**
   * Resolves when it is written, with `sync` when it is durable; in the order of the calls, one
   * fsync for all that waited. After one that failed all fail: a file has no holes.
   */
  append(payload: Uint8Array, options: { readonly sync: boolean }): Promise<void> {
    if (this.#queuedBytes > LIMITS.mirrorQueueBytes)
      this.#failure ??= new Error('it takes writes more slowly than they come')
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      this.#queuedBytes += payload.length
      this.#waiting.push({ payload, sync: options.sync, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** @throws also what an earlier write failed with. */
  async sync(): Promise<void> {
    await this.#running
    if (this.#failure !== undefined) throw this.#failure
    await this.#file.sync()
  }

  async close(): Promise<void> {
    this.#failure ??= new Error('it is closed')
    await this.#running
    await this.#file.close()
  }

  async #run(): Promise<void> {
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0)
      try {
        await this.#write(group)
        for (const { resolve } of group) resolve()
      } catch (thrown) {
        this.#failure ??= thrown
        for (const { reject } of group) reject(thrown)
      }
      for (const { payload } of group) this.#queuedBytes -= payload.length
    }
    this.#running = undefined
  }

  async #write(group: readonly Waiting[]): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    let { digest } = this.#end
    const parts: Uint8Array[] = []
    for (const { payload } of group) {
      const frame = makeFrame(payload, digest)
      parts.push(frame.bytes)
      digest = frame.digest
    }
    const bytes = Buffer.concat(parts)
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await this.#file.write(
        bytes,
        at,
        bytes.length - at,
        this.#end.bytes + at,
      )
      at += bytesWritten
    }
    if (group.some(({ sync }) => sync)) await this.#file.datasync()
    this.#end = { bytes: this.#end.bytes + bytes.length, digest }
  }
}
