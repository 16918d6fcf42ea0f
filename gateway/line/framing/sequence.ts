/** Where `sequence` begins in `bytes`, at `from` or later; -1 where nowhere. */
export function indexOfSequence(
  bytes: Uint8Array,
  search: { readonly sequence: Uint8Array; readonly from?: number },
): number {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  return view.indexOf(search.sequence, search.from ?? 0)
}

/**
 * How many bytes precede the first occurrence of `start`, or of what may become one with the bytes
 * to come; all of them where there is neither.
 */
export function bytesBefore(bytes: Uint8Array, start: Uint8Array): number {
  const whole = indexOfSequence(bytes, { sequence: start })
  if (whole >= 0) return whole
  for (let size = Math.min(start.length - 1, bytes.length); size > 0; size--) {
    const tail = bytes.subarray(bytes.length - size)
    if (tail.every((byte, index) => byte === start[index])) return bytes.length - size
  }
  return bytes.length
}
