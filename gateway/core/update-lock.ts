import { closeSync, fstatSync, openSync, rmSync, statSync } from 'node:fs'
import { systemCodeOf } from './errors.js'
import { lockDescriptor } from './file-lock.js'

/** What came of asking for the lock. */
export type UpdateHold =
  /** It is ours: no update begins. */
  | 'held'
  /** The supervisor or the host has it: it is about to stop us, and nothing new should be begun. */
  | 'closing'
  /** Another service of the device holds it: no update begins either, until that one lets go. */
  | 'elsewhere'
  /** Nobody updates this machine by such a lock. */
  | 'absent'
  /** It may not be taken, or the disk does not take it: an update may begin at any time. */
  | 'forbidden'

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
  #fd: number | undefined

  constructor(options: { readonly path: string; readonly uid: number }) {
    this.#path = options.path
    this.#uid = options.uid
  }

  take(): UpdateHold {
    if (this.#fd !== undefined) return 'held'
    const made = open(this.#path, 'wx+')
    if (typeof made === 'number') return this.#keep(made)
    if (made === 'ENOENT') return 'absent'
    if (made !== 'EEXIST') return 'forbidden'
    const there = open(this.#path, 'r')
    // Whoever had it has just let go of it.
    if (there === 'ENOENT') return this.take()
    if (typeof there !== 'number') return 'elsewhere'
    const { uid } = fstatSync(there)
    // Ours, and not of this process: of one that died. As good as new.
    if (uid === this.#uid) return this.#keep(there)
    closeSync(there)
    return uid === SUPERVISOR_UID ? 'closing' : 'elsewhere'
  }

  /** The supervisor has it, which takes it before it stops a service. */
  get isSupervisors(): boolean {
    return this.#fd === undefined && ownerOf(this.#path) === SUPERVISOR_UID
  }

  /** Nothing where it is not held. */
  release(): void {
    if (this.#fd === undefined) return
    rmSync(this.#path, { force: true })
    closeSync(this.#fd)
    this.#fd = undefined
  }

  #keep(fd: number): UpdateHold {
    if (!lockDescriptor(fd)) {
      closeSync(fd)
      return 'closing'
    }
    this.#fd = fd
    return 'held'
  }
}

function ownerOf(path: string): number | undefined {
  try {
    return statSync(path).uid
  } catch {
    // It is not there, or may not be looked at: then nothing is announced.
    return undefined
  }
}

/** Its descriptor, or why there is none. */
function open(path: string, flags: 'wx+' | 'r'): number | string {
  try {
    return openSync(path, flags, 0o644)
  } catch (thrown) {
    return systemCodeOf(thrown) ?? ''
  }
}
