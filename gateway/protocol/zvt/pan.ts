const LEAST_SHOWN = 13

/**
 * A card number as its field has it, two digits to a byte, E for a digit that the terminal hides
 * and F for none: at most the first six and the last four are kept (PCI DSS 3.4.1). Nothing where
 * it is no number.
 */
export function maskedPan(value: Uint8Array): string | undefined {
  const nibbles = Buffer.from(value).toString('hex').replace(/f$/, '')
  if (!/^[\de]{2,}$/.test(nibbles)) return undefined
  const stars = nibbles.replaceAll('e', '*')
  const { length } = stars
  if (length < LEAST_SHOWN) return '*'.repeat(length)
  const [first = ''] = /^\d{0,6}/.exec(stars) ?? []
  const [last = ''] = /\d{0,4}$/.exec(stars) ?? []
  return first + '*'.repeat(length - first.length - last.length) + last
}
