import { toHex } from '../../gateway/core/bytes.js'

/** The numbers that schemes and acquirers publish for tests; no bank ever issued them. */
export const TEST_CARDS = [
  '4111111111111111', // Visa
  '4012888888881881',
  '5555555555554444', // Mastercard
  '5105105105105100',
  '2223003122003222',
  '2223000048400011',
  '378282246310005', // American Express
  '371449635398431',
  '6011111111111117', // Discover
  '6011000990139424',
  '3530111333300000', // JCB
  '3566002020360505',
  '6200000000000005', // UnionPay
  '6205500000000000004',
  '30569309025904', // Diners Club
  '38520000023237',
  '6759649826438453', // Maestro
  '6304000000000000',
  '6799990100000000019',
] as const

/** One way to write a number, as bytes. */
export interface CardForm {
  readonly name: string
  readonly bytes: Uint8Array
}

const ascii = (text: string): Uint8Array => Buffer.from(text, 'latin1')

/** As it is printed on the card. */
function grouped(pan: string, separator: string): string {
  const widths = pan.length === 15 ? [4, 6, 5] : pan.length === 14 ? [4, 6, 4] : [4, 4, 4, 4, 3]
  let from = 0
  const groups = widths.map(width => {
    from += width
    return pan.slice(from - width, from)
  })
  return groups.filter(group => group !== '').join(separator)
}

/** Every way in which a number is recognised, wherever it stands. */
export function textForms(pan: string): readonly CardForm[] {
  const hex = toHex(ascii(pan))
  const base64 = [0, 1, 2].map(shift => ({
    name: `base64 behind ${shift}`,
    bytes: ascii(Buffer.from(`${'#'.repeat(shift)}${pan}#`).toString('base64')),
  }))
  return [
    { name: 'digits', bytes: ascii(pan) },
    { name: 'blanks', bytes: ascii(grouped(pan, ' ')) },
    { name: 'dashes', bytes: ascii(grouped(pan, '-')) },
    { name: 'hexadecimal', bytes: ascii(hex) },
    { name: 'capital hexadecimal', bytes: ascii(hex.toUpperCase().replace(/$/, '2C')) },
    ...base64,
    { name: 'UTF-16', bytes: Buffer.from(pan, 'utf16le') },
    { name: 'UTF-16, high byte first', bytes: Buffer.from(pan, 'utf16le').swap16() },
  ]
}

/** Packed BCD: at the left, at the right, and in the middle of its bytes. */
export function packedForms(pan: string): readonly CardForm[] {
  const packed = (nibbles: string) => Buffer.from(nibbles, 'hex')
  return pan.length % 2 === 0
    ? [
        { name: 'BCD', bytes: packed(pan) },
        { name: 'BCD, half a byte on', bytes: packed(`0${pan}f`) },
      ]
    : [
        { name: 'BCD at the left', bytes: packed(`${pan}f`) },
        { name: 'BCD at the right', bytes: packed(`0${pan}`) },
      ]
}

/** What a search for a number in files and messages looks for, in lower case. */
export function needlesOf(pan: string): readonly string[] {
  // The middle of its base64 does not depend on what stands around it.
  const base64 = [0, 1, 2].map(shift => {
    const text = Buffer.from(`${'#'.repeat(shift)}${pan}`).toString('base64')
    return text
      .slice(shift === 0 ? 0 : 4, pan.length + shift - ((pan.length + shift) % 3))
      .slice(0, 16)
  })
  // LevelDB's own numbers are full of zeros.
  const packed = pan.includes('00000') ? [] : packedForms(pan)
  return [
    ...[...textForms(pan), ...packed]
      .filter(({ name }) => !name.startsWith('base64'))
      .map(({ name, bytes }) =>
        Buffer.from(name === 'capital hexadecimal' ? bytes.subarray(0, -2) : bytes)
          .toString('latin1')
          .toLowerCase(),
      ),
    ...base64.map(text => text.toLowerCase()),
  ]
}
