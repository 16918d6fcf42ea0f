/** Places for what may be under way at once; more wait their turn, first come first served. */
export class Window {
  readonly size: number
  #free: number
  #closed: Error | undefined
  readonly #waiting: {
    readonly admit: (release: () => void) => void
    readonly refuse: (reason: Error) => void
  }[] = []

  constructor(size: number) {
    if (!(size >= 1)) throw new RangeError(`a window of ${size}`)
    this.size = size
    this.#free = size
  }

  /** Resolves with the function that gives the place back. @throws what `close` was given */
  acquire(): Promise<() => void> {
    return new Promise((admit, refuse) => {
      if (this.#closed !== undefined) refuse(this.#closed)
      else this.#waiting.push({ admit, refuse })
      this.#admit()
    })
  }

  /** Refuses whoever waits, now and later. Places taken stay taken. */
  close(reason: Error): void {
    this.#closed = reason
    for (const { refuse } of this.#waiting.splice(0)) refuse(reason)
  }

  #admit(): void {
    while (this.#free > 0) {
      const next = this.#waiting.shift()
      if (next === undefined) return
      this.#free -= 1
      let released = false
      next.admit(() => {
        if (released) return
        released = true
        this.#free += 1
        this.#admit()
      })
    }
  }
}
