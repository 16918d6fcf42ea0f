import { closeSync, fstatSync, openSync, unlinkSync } from 'node:fs'
import { dirname } from 'node:path'
import koffi from 'koffi'
import { systemCodeOf } from './errors.js'

/** What came of asking for the lock. */
export type UpdateHold =
  /** It is ours: no update begins. */
  | 'held'
  /** The supervisor has it: it is about to stop us, and nothing new should be begun. */
  | 'closing'
  /** Another service of the device holds it: no update begins either, until that one lets go. */
  | 'elsewhere'
  /** Nobody updates this machine by such a lock. */
  | 'absent'

/** flock(2): exclusive, and an answer at once. */
const LOCK_EX_NB = 2 | 4
/** `nobody`: as whom balena's supervisor takes the lock before it stops a service. */
const SUPERVISOR_UID = 65534

/**
 * balena's update lock: a file whose being there keeps the supervisor from updating the services,
 * and whose flock(2) keeps the host from restarting for an update of its own (balena's docs, update
 * locking). Synchronous, so that whoever asks has it before its next step.
 */
export class UpdateLock {
  readonly #path: string
  readonly #uid: number
  readonly #flock: (fd: number, operation: number) => unknown
  #fd: number | undefined

  constructor(options: { readonly path: string; readonly uid: number }) {
    this.#path = options.path
    this.#uid = options.uid
    const flock = koffi.load('libc.so.6').func('int flock(int fd, int operation)')
    this.#flock = (fd, operation) => flock(fd, operation)
  }

  /** @throws Error what the disk says, but for a folder that is not there */
  take(): UpdateHold {
    if (this.#fd !== undefined) return 'held'
    const made = openNew(this.#path)
    if (made === 'absent') return 'absent'
    if (made !== 'taken') return this.#keep(made)
    const there = openThere(this.#path)
    // Whoever had it has just let go of it.
    if (there === undefined) return this.take()
    const { uid } = fstatSync(there)
    // Ours, and not of this process: of one that died. As good as new.
    if (uid === this.#uid) return this.#keep(there)
    closeSync(there)
    return uid === SUPERVISOR_UID ? 'closing' : 'elsewhere'
  }

  /** Nothing where it is not held. */
  release(): void {
    if (this.#fd === undefined) return
    unlinkSync(this.#path)
    closeSync(this.#fd)
    this.#fd = undefined
  }

  #keep(fd: number): UpdateHold {
    this.#flock(fd, LOCK_EX_NB)
    this.#fd = fd
    return 'held'
  }
}

function openNew(path: string): number | 'taken' | 'absent' {
  try {
    return openSync(path, 'wx+', 0o644)
  } catch (thrown) {
    const code = systemCodeOf(thrown)
    if (code === 'EEXIST') return 'taken'
    if (code === 'ENOENT') return 'absent'
    throw new Error(`${dirname(path)}: the update lock cannot be taken`, { cause: thrown })
  }
}

function openThere(path: string): number | undefined {
  try {
    return openSync(path, 'r')
  } catch (thrown) {
    if (systemCodeOf(thrown) === 'ENOENT') return undefined
    throw thrown
  }
}
