import { existsSync, type FSWatcher, readdirSync, watch } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../core/clock.js'
import { LIMITS } from '../core/limits.js'
import type { Result } from '../core/result.js'
import { loadProfileFiles, type ProfileFiles } from './load.js'

/** Where profiles come from: folders, or whoever else has some and knows when they change. */
export interface ProfileSource {
  /** All of them as they are now; or every fault of every file. */
  load(): Promise<Result<ProfileFiles, readonly string[]>>
  /** Calls back when another load may give something else; returns the way to stop. */
  watch(onChanged: () => void): () => void
}

/**
 * Folders, of which a later one replaces files of an earlier one. They are watched; what is written
 * in several steps is one change. Where the system cannot watch a folder, nobody is told.
 */
export class ProfileFolders implements ProfileSource {
  readonly #folders: readonly string[]
  readonly #arrived: string | undefined
  readonly #clock: Clock

  constructor(options: {
    readonly folders: readonly string[]
    /** The last of them, which may not be there; whoever changes it says so. */
    readonly arrived?: string
    readonly clock: Clock
  }) {
    this.#folders = options.folders
    this.#arrived = options.arrived
    this.#clock = options.clock
  }

  load(): Promise<Result<ProfileFiles, readonly string[]>> {
    const arrived = this.#arrived
    const isThere = arrived !== undefined && existsSync(arrived)
    return loadProfileFiles(isThere ? [...this.#folders, arrived] : this.#folders)
  }

  watch(onChanged: () => void): () => void {
    let cancel = (): void => undefined
    let stop = (): void => undefined
    const begin = (): void => {
      const watchers = this.#folders.flatMap(withVendors).flatMap(one => watcherOf(one, changed))
      stop = () => {
        for (const watcher of watchers) watcher.close()
      }
    }
    const changed = (): void => {
      cancel()
      cancel = this.#clock.after(LIMITS.profileSettleMs, () => {
        // A vendor may be new.
        stop()
        begin()
        onChanged()
      })
    }
    begin()
    return () => {
      cancel()
      stop()
    }
  }
}

/** The folder and those of its vendors: files lie no deeper. */
function withVendors(folder: string): readonly string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true })
    const vendors = entries.filter(entry => entry.isDirectory())
    return [folder, ...vendors.map(({ name }) => join(folder, name))]
  } catch {
    return []
  }
}

function watcherOf(folder: string, changed: () => void): readonly FSWatcher[] {
  try {
    const watcher = watch(folder, { persistent: false }, changed)
    // The folder went, or the system has no watches left: SIGHUP still works.
    watcher.on('error', () => watcher.close())
    return [watcher]
  } catch {
    return []
  }
}
