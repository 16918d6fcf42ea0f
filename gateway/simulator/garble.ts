const DATA_BITS = 8
/** Start and stop. */
const FRAME_BITS = DATA_BITS + 2

/**
 * What a UART at one speed reads of bytes that were sent at another, 8N1 both: it waits for a
 * falling edge, samples each bit in its middle, and takes what stands there. A byte whose stop bit
 * is low (a framing error) comes all the same, as Linux passes it on.
 */
export function atWrongSpeed(
  bytes: Uint8Array,
  { sentBaud, readBaud }: { readonly sentBaud: number; readonly readBaud: number },
): Uint8Array {
  const levels = [...bytes].flatMap(byte => [
    0,
    ...Array.from({ length: DATA_BITS }, (_, bit) => (byte >> bit) & 1),
    1,
  ])
  /** In bits as they were sent; the line idles high. */
  const levelAt = (time: number): number => levels[Math.floor(time)] ?? 1
  const perBit = sentBaud / readBaud
  const read: number[] = []
  let time = 0
  while (time < levels.length) {
    if (levelAt(time) === 1) {
      time = Math.floor(time) + 1
      continue
    }
    const bits = Array.from({ length: DATA_BITS }, (_, bit) => levelAt(time + (bit + 1.5) * perBit))
    read.push(bits.reduce((byte, level, bit) => byte | (level << bit), 0))
    time += (FRAME_BITS - 0.5) * perBit
  }
  return Uint8Array.from(read)
}

/** What 8N1 reads of text that was sent as 7E1: the parity stands in the eighth bit. */
export function withParityBit(bytes: Uint8Array): Uint8Array {
  return bytes.map(byte => {
    const low = byte & 0x7f
    const ones = low.toString(2).replaceAll('0', '').length
    return low | ((ones % 2) << 7)
  })
}
