import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../../gateway/core/clock.js'

/** Turns of the real event loop that compression may take; more mean that an answer never comes. */
const MAX_TURNS = 1_000_000

interface Due {
  readonly atMs: number
  readonly run: () => void
}

/**
 * Time of a simulated world: nothing happens but what is due next. Every wait of the program under
 * test (disk, network, timers) is an entry here; only compression runs in real time, and the
 * world stands still for it.
 */
export class Timeline {
  readonly #due: Due[] = []
  #nowMs = 0
  #steps = 0
  #compressing = 0

  get nowMs(): number {
    return this.#nowMs
  }

  /** Entries that were run. */
  get steps(): number {
    return this.#steps
  }

  /** Nothing will ever happen any more by itself. */
  get isIdle(): boolean {
    return this.#due.length === 0
  }

  /** Entries of the same moment run in the order in which they were made. */
  schedule(delayMs: number, run: () => void): () => void {
    const entry = { atMs: this.#nowMs + Math.max(0, delayMs), run }
    let low = 0
    let high = this.#due.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#due[middle]?.atMs ?? 0) <= entry.atMs) low = middle + 1
      else high = middle
    }
    this.#due.splice(low, 0, entry)
    return () => {
      const index = this.#due.indexOf(entry)
      if (index >= 0) this.#due.splice(index, 1)
    }
  }

  compressionBegins(): void {
    this.#compressing += 1
  }

  compressionEnds(): void {
    this.#compressing -= 1
  }

  /** Runs what is due next, and all that follows from it before the next. */
  async step(): Promise<void> {
    const next = this.#due.shift()
    if (next === undefined) throw new Error('the simulated world stands still')
    this.#nowMs = next.atMs
    this.#steps += 1
    next.run()
    await this.settle()
  }

  async settle(): Promise<void> {
    await nextTurn()
    for (let turns = 0; this.#compressing > 0; turns += 1) {
      if (turns > MAX_TURNS) throw new Error('a compression never ended')
      await nextTurn()
    }
  }
}

/** The wall clock of one place; `offsetMs` is how far it is off. */
export interface WallClock {
  offsetMs: number
}

const START_MS = Date.UTC(2026, 10, 22, 11)

/** One life of a process. After its end nothing that it waits for comes: as a power cut leaves it. */
export class Life {
  readonly #timeline: Timeline
  readonly #wall: WallClock
  #isOver = false
  readonly #deathbed: (() => void)[] = []

  constructor(options: { readonly timeline: Timeline; readonly wall: WallClock }) {
    this.#timeline = options.timeline
    this.#wall = options.wall
  }

  get timeline(): Timeline {
    return this.#timeline
  }

  get isOver(): boolean {
    return this.#isOver
  }

  end(): void {
    this.#isOver = true
    for (const tell of this.#deathbed.splice(0)) tell()
  }

  /** What the rest of the world notices of the end. */
  atEnd(tell: () => void): void {
    this.#deathbed.push(tell)
  }

  after(ms: number, callback: () => void): () => void {
    return this.#timeline.schedule(ms, () => {
      if (!this.#isOver) callback()
    })
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      if (signal?.aborted === true) return resolve()
      const wake = (): void => {
        cancel()
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      const cancel = this.after(ms, wake)
      signal?.addEventListener('abort', wake)
    })
  }

  get clock(): Clock {
    return {
      wallMs: () => Math.floor(START_MS + this.#timeline.nowMs + this.#wall.offsetMs),
      monotonicMs: () => this.#timeline.nowMs,
      sleep: (ms, signal) => this.sleep(ms, signal),
      after: (ms, callback) => this.after(ms, callback),
    }
  }
}
