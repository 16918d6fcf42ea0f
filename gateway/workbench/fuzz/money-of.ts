import { canonicalJson } from '../../event/canonical-json.js'
import type { Event } from '../../event/event.js'

/** The amounts, weights and readings of an event as one text; equal texts, equal money. */
export function moneyOf(event: Event): string {
  return canonicalJson([event.type, amountsIn('', event.data)])
}

/** Whether there is any amount in it: a scan has none that damage could change. */
export function statesAmount(event: Event): boolean {
  return amountsIn('', event.data).flat(9).length > 0
}

/** Members whose value is money or goods; what stands beside them is no amount. */
const AMOUNT = /(Minor|quantity|value|weight)$/i
/** Members that say in what it is counted: without an amount beside them they state none. */
const UNIT = /(currency|unit)$/i

function amountsIn(name: string, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value.map(one => amountsIn(name, one))
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
    const amounts = members.flatMap(([key, one]) => amountsIn(key, one))
    const units = members.filter(([key]) => UNIT.test(key)).flat()
    return amounts.length === 0 ? [] : [...amounts, ...units]
  }
  return AMOUNT.test(name) ? [name, value] : []
}
