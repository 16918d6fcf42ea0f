/** The sum of every byte, modulo 256. */
export function sum8(bytes: Uint8Array): number {
  let sum = 0
  for (const byte of bytes) sum = (sum + byte) & 0xff
  return sum
}
