import { removePoint } from '../../codec/decimal.js'
import { type MessageOutline, oneMessage, type Reading } from '../protocol.js'

/** What a scale shows, as it writes it: `-00.735` is taken as it stands. */
export interface Shown {
  readonly weight: string
  readonly unit?: string
  readonly isNet?: boolean
  readonly isMoving?: boolean
  readonly isOver?: boolean
  readonly isNegative?: boolean
}

/** Goods: stable, in range, more than nothing. */
export const WEIGHT_OUTLINE: MessageOutline = {
  name: 'weight',
  fields: [
    { name: 'weight', type: 'decimal' },
    { name: 'unit', type: 'text', optional: true },
    { name: 'net', type: 'flag' },
  ],
}

/** Why there are no goods; some scales also say what they show meanwhile. */
export const STATUS_OUTLINE: MessageOutline = {
  name: 'status',
  fields: [
    { name: 'motion', type: 'flag' },
    { name: 'over', type: 'flag' },
    { name: 'negative', type: 'flag' },
    { name: 'zero', type: 'flag' },
    { name: 'weight', type: 'decimal', optional: true },
    { name: 'unit', type: 'text', optional: true },
    { name: 'net', type: 'flag', optional: true },
  ],
}

const DECIMAL = /^([+-]?)0*(\d{1,15}(?:\.\d{1,9})?)$/

/** `+00.735` as `0.735`; undefined where it is no number. */
export function plainDecimal(text: string): string | undefined {
  const [, sign = '', digits] = DECIMAL.exec(text) ?? []
  return digits === undefined ? undefined : `${sign === '-' ? '-' : ''}${digits}`
}

/** A weight where the scale stands still on goods, else the status that says why not. */
export function readShown(shown: Shown): Reading {
  const { unit: rawUnit, isNet: net = false, isMoving: motion = false } = shown
  const weight = plainDecimal(shown.weight)
  if (weight === undefined)
    return { type: 'rejected', message: 'weight', issue: 'expected a decimal' }
  const over = shown.isOver ?? false
  const negative = shown.isNegative ?? weight.startsWith('-')
  const zero = !/[1-9]/.test(weight)
  const unit = rawUnit?.toLowerCase()
  const said = { weight, ...(unit === undefined ? {} : { unit }), net }
  if (motion || over || negative || zero)
    return oneMessage('status', { motion, over, negative, zero, ...said })
  return oneMessage('weight', said)
}

/** The status of a scale that shows no weight with it. */
export function readStatus(flags: {
  readonly motion?: boolean
  readonly over?: boolean
  readonly negative?: boolean
  readonly zero?: boolean
}): Reading {
  const { motion = false, over = false, negative = false, zero = false } = flags
  return oneMessage('status', { motion, over, negative, zero })
}

/**
 * `0.735` as the digits `00735` of a scale that writes no point.
 * @throws RangeError where it does not fit them.
 */
export function pointlessWeight(
  weight: unknown,
  places: { readonly decimals: number; readonly digits: number },
): string {
  const digits = removePoint(String(weight), places.decimals)
  if (!digits.ok || !/^\d+$/.test(digits.value) || digits.value.length > places.digits)
    throw new RangeError(`weight: expected ${places.decimals} decimals, ${places.digits} digits`)
  return digits.value.padStart(places.digits, '0')
}
