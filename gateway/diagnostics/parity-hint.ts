/** By chance fewer bytes may look so: of these one in ten millions does. */
const LEAST_BYTES = 24

/**
 * Whether bytes read as eight bits are seven and a parity: in each of them, or in none, the number
 * of ones is even.
 */
export function parityHint(bytes: Uint8Array): '7E1' | '7O1' | undefined {
  const isPlain = bytes.every(byte => byte < 0x80)
  if (bytes.length < LEAST_BYTES || isPlain) return undefined
  const odd = [...bytes].filter(byte => byte.toString(2).replaceAll('0', '').length % 2 === 1)
  if (odd.length === 0) return '7E1'
  return odd.length === bytes.length ? '7O1' : undefined
}
