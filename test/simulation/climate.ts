import type { Random } from '../../gateway/core/random.js'
import { below } from '../support/sample.js'

/** What a world is made of and which of the rarer faults it has: without a fault nothing is amiss. */
export interface Climate {
  readonly stores: number
  readonly receivers: number
  /** Between two sales there may be weeks, and days between two faults. */
  readonly isPatient: boolean
  readonly rollbacks: boolean
  readonly restores: boolean
  /** A card is copied into a second gateway, which sells, too. */
  readonly twins: boolean
  readonly fullDisks: boolean
  /** What a journal may take up, where that is little. */
  readonly quotaBytes: number | undefined
}

export const PLAIN: Climate = {
  stores: 1,
  receivers: 1,
  isPatient: true,
  rollbacks: false,
  restores: false,
  twins: false,
  fullDisks: false,
  quotaBytes: undefined,
}

export function drawClimate(random: Random): Climate {
  const isPatient = random.unit() < 0.4
  const hasQuota = !isPatient && random.unit() < 0.35
  const rollbacks = random.unit() < 0.35
  return {
    stores: isPatient ? 1 : 1 + below(random, 3),
    receivers: isPatient ? 1 : 1 + below(random, 2),
    isPatient,
    rollbacks,
    // Under want of room confirmed records go before a first backup holds them: that is said.
    restores: !hasQuota && random.unit() < 0.5,
    twins: !rollbacks && !isPatient && random.unit() < 0.3,
    fullDisks: random.unit() < 0.4,
    quotaBytes: hasQuota ? 24_000 + below(random, 40_000) : undefined,
  }
}
