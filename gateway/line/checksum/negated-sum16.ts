/** What the sum of every byte lacks to 10000 hexadecimal, as Zebra's SSI has it. */
export function negatedSum16(bytes: Uint8Array): number {
  let sum = 0
  for (const byte of bytes) sum = (sum + byte) & 0xffff
  return -sum & 0xffff
}
