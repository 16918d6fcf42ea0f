import { fromHex } from '../core/bytes.js'
import type { Inquiry } from '../line/link/inquiry.js'
import { zvtInquiry } from '../protocol/zvt/inquiry.js'
import type { Identify } from './schema.js'

/** What is said on the line to learn the firmware. */
export function inquiryOf(method: Extract<Identify, { type: 'query' | 'zvt' }>): Inquiry {
  if (method.type === 'zvt') return zvtInquiry(method)
  const { send, pattern, withinMs } = method
  const compiled = new RegExp(pattern, 's')
  return {
    request: fromHex(send),
    withinMs,
    answer: heard => {
      const match = compiled.exec(Buffer.from(heard).toString('latin1'))
      const firmware = match?.groups?.['firmware']
      if (match === null || firmware === undefined || firmware === '') return undefined
      return { from: match.index, to: match.index + match[0].length, firmware }
    },
  }
}
