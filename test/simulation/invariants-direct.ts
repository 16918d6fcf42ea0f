import type { MqttMessage } from '../../gateway/mqtt/connection.js'
import type { Facts } from './facts.js'
import { KEPT_DAYS, Violation } from './invariants.js'
import type { Witness } from './witness.js'

const DAY_MS = 24 * 60 * 60 * 1000

/** What differs where one event is published again. */
const AT_EACH_PUBLISH = /"(historical|recordedtime)":("[^"]*"|true|false),?/g

/** What a subscriber of the broker has heard: at least once each, and repeats show that they are. */
export class Heard {
  readonly #bodies = new Map<string, string>()

  has(id: string): boolean {
    return this.#bodies.has(id)
  }

  /** I1 of mode `direct`: what comes again under an id is the same event at the same place. */
  take({ topic, payload }: MqttMessage): void {
    const text = Buffer.from(payload).toString('utf8')
    const id = /"id":"([^"]+)"/.exec(text)?.[1]
    if (!topic.includes('/events/') || id === undefined) return
    const body = text.replace(AT_EACH_PUBLISH, '')
    if ((this.#bodies.get(id) ?? body) !== body) throw new Violation(`I1: ${id} comes as another`)
    this.#bodies.set(id, body)
  }

  /** I2 of mode `direct`. */
  checkAll({ fates }: Witness): void {
    for (const id of fates.keys())
      if (!this.has(id)) throw new Violation(`I2: ${id} never reached the broker`)
  }
}

/** I4 of mode `direct`: the broker has it, and its days are over. */
export function checkTrimDirect(record: Facts, heard: Heard, nowMs: number): void {
  const { said, place } = record
  if (said !== undefined && !heard.has(said))
    throw new Violation(`I4: ${place} trimmed, not at the broker`)
  const days = (nowMs - record.appendedMs) / DAY_MS
  if (days < KEPT_DAYS) throw new Violation(`I4: ${place} trimmed after ${days.toFixed(1)} days`)
}
