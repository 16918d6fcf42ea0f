import { decodeText } from '../../codec/code-page.js'

/** How the texts of a terminal are written, where it does not say so itself (TLV tag 14). */
export const CHARSETS = ['cp437', 'latin-1', 'utf-8', 'german-7bit'] as const
export type Charset = (typeof CHARSETS)[number] | `iso-8859-${number}`

/** DIN 66003: what stands for umlauts where eight bits are one too many. */
const GERMAN_7BIT: Readonly<Record<string, string>> = {
  '[': 'Ä',
  '\\': 'Ö',
  ']': 'Ü',
  '{': 'ä',
  '|': 'ö',
  '}': 'ü',
  '~': 'ß',
}
/** Ä Ö Ü ß ä ö ü and § as Latin-1 has them; in code page 437 these are frames and Greek. */
const LATIN_1_LETTERS: ReadonlySet<number> = new Set([
  0xa7, 0xc4, 0xd6, 0xdc, 0xdf, 0xe4, 0xf6, 0xfc,
])
/** A line drawn in code page 437, not a row of Ä. */
const DRAWN_LINE = Buffer.of(0xc4, 0xc4, 0xc4)

export function textOf(bytes: Uint8Array, charset: Charset): string {
  switch (charset) {
    case 'german-7bit':
      return Buffer.from(bytes)
        .toString('latin1')
        .replace(/[[\\\]{|}~]/g, found => GERMAN_7BIT[found] ?? found)
    case 'latin-1':
      return decodeText(bytes, 'iso-8859-1')
    default:
      return decodeText(bytes, charset)
  }
}

/** What tag 14 of a container names; code page 437 where it names nothing that is known. */
export function charsetOfTag(value: Uint8Array | undefined): Charset | undefined {
  const [code] = value ?? []
  if (code === undefined) return undefined
  if (code === 0xfe) return 'utf-8'
  if (code === 1) return 'latin-1'
  return code >= 2 && code <= 16 && code !== 12 ? `iso-8859-${code}` : 'cp437'
}

/**
 * The character set that these bytes of a German-speaking terminal are most likely in: it is asked
 * for the words of receipts and displays, never for an amount.
 */
export function likelyCharset(bytes: Uint8Array): Charset {
  const buffer = Buffer.from(bytes)
  const high = bytes.filter(byte => byte >= 0x80)
  if (high.length === 0) return /[{|}~]/.test(buffer.toString('latin1')) ? 'german-7bit' : 'cp437'
  if (isUtf8(bytes)) return 'utf-8'
  const isLatin = high.every(byte => LATIN_1_LETTERS.has(byte)) && !buffer.includes(DRAWN_LINE)
  return isLatin ? 'latin-1' : 'cp437'
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return true
  } catch {
    return false
  }
}
