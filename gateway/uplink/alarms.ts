import type { Logger } from '../core/log.js'

/** Something an operator must know; `key` tells it from others of its kind. */
export interface Alarm {
  readonly key: string
  readonly text: string
  readonly details: object
}

/** Logs each alarm once, however often pass after pass comes upon it. */
export class Alarms {
  readonly #logger: Logger
  readonly #raised = new Set<string>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  raise({ key, text, details }: Alarm): void {
    if (this.#raised.has(key)) return
    this.#raised.add(key)
    this.#logger.error(details, text)
  }
}
