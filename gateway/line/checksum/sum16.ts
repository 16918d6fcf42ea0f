/** The sum of every byte, modulo 65536. */
export function sum16(bytes: Uint8Array): number {
  let sum = 0
  for (const byte of bytes) sum = (sum + byte) & 0xffff
  return sum
}
