import { fromHex } from '../../core/bytes.js'
import { Toledo8217, toledo8217Schema } from '../../protocol/scale/toledo-8217.js'
import type { Adapter } from './adapter.js'
import { firstMessage } from './first-message.js'

const toledo8217: Adapter = ({ hex }) => {
  const protocol = new Toledo8217(toledo8217Schema.parse({ type: 'toledo-8217' }))
  const read = firstMessage(protocol, fromHex(hex))
  if (!read.ok) return { error: read.error }
  const { name, fields } = read.value
  if (name === 'weight') return { kind: name, stable: true, ...fields }
  return { kind: name, stable: false, weight: null, ...fields }
}

/** Scales, by the names that vectors give their protocols. */
export const SCALES: Readonly<Record<string, Adapter>> = { 'toledo-8217': toledo8217 }
