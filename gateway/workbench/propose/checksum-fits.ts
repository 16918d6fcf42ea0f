import { CHECKSUM_BYTES, CHECKSUM_NAMES, checksum } from '../../line/checksum/catalog.js'

/** Bytes at the front that a checksum may leave out: a mark, an address, a length. */
const SKIPPED = [0, 1, 2, 3, 4] as const

/**
 * Which checksums at their end fit all of these bursts, and from which byte on: evidence for a
 * framing that the catalogue cannot express, too.
 */
export function checksumFits(bursts: readonly Uint8Array[]): readonly string[] {
  const whole = bursts.filter(({ length }) => length > 6)
  if (whole.length < 2) return []
  return CHECKSUM_NAMES.flatMap(name => {
    const size = CHECKSUM_BYTES[name]
    const orders = size === 1 ? (['big'] as const) : (['big', 'little'] as const)
    return orders.flatMap(endian =>
      SKIPPED.filter(skip =>
        whole.every(burst => {
          const end = burst.length - size
          const tail = burst.subarray(end)
          const found = (endian === 'big' ? tail : tail.toReversed()).reduce(
            (value, byte) => value * 256 + byte,
            0,
          )
          return checksum(name, burst.subarray(skip, end)) === found
        }),
      ).map(
        skip => `${name}${size === 1 ? '' : `, ${endian} end first`}, from byte ${skip + 1} on`,
      ),
    )
  })
}
