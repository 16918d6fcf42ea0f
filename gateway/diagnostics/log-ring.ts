import { LIMITS } from '../core/limits.js'

/** The last lines of the log, and whoever wants to hear the next ones. */
export class LogRing {
  readonly #listeners = new Set<(line: string) => void>()
  #lines: string[] = []
  #bytes = 0

  /** Without the newline at its end. */
  add(line: string): void {
    this.#lines.push(line)
    this.#bytes += line.length
    while (this.#bytes > LIMITS.logRingBytes) this.#bytes -= this.#lines.shift()?.length ?? 0
    for (const listener of this.#listeners) listener(line)
  }

  /** Oldest first. */
  last(count: number): readonly string[] {
    return count === 0 ? [] : this.#lines.slice(-count)
  }

  /** Returns the way to stop. */
  listen(listener: (line: string) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
