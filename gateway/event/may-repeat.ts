import { isDerivedEventId } from '../core/ids.js'
import type { Event } from './event.js'

/** Money without a key of the terminal's own: a second copy cannot be told from a second sale. */
export function mayRepeat({ type, id }: Event): boolean {
  const isMoney = type.startsWith('sale.') || type.startsWith('payment.')
  return isMoney && !isDerivedEventId(id)
}
