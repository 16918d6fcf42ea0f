import { isUtf8 } from 'node:buffer'
import { decodeText } from '../../codec/code-page.js'

/**
 * What ESC t selects, in the numbers of Epson's default profile: other makers number otherwise. A
 * number that is missing prints no character that we know. Source: mike42/escpos-php.
 */
export const EPSON_TABLES: Readonly<Record<number, string>> = {
  0: 'cp437',
  1: 'katakana',
  2: 'cp850',
  3: 'cp860',
  4: 'cp863',
  5: 'cp865',
  13: 'cp857',
  14: 'cp737',
  15: 'iso-8859-7',
  16: 'cp1252',
  17: 'cp866',
  18: 'cp852',
  19: 'cp858',
  21: 'cp874',
  30: 'tcvn',
  32: 'cp720',
  33: 'cp775',
  34: 'cp855',
  35: 'cp861',
  36: 'cp862',
  37: 'cp864',
  38: 'cp869',
  39: 'iso-8859-2',
  40: 'iso-8859-15',
  44: 'cp1125',
  45: 'cp1250',
  46: 'cp1251',
  47: 'cp1253',
  48: 'cp1254',
  49: 'cp1255',
  50: 'cp1256',
  51: 'cp1257',
  52: 'cp1258',
  53: 'rk1048',
}

/** The one table that no code page library has: ASCII, and katakana of half the width. */
export const KATAKANA = 'katakana'
const FIRST_KATAKANA = 0xa1
const LAST_KATAKANA = 0xdf
const FIRST_HALF_WIDTH = 0xff61

export function decodeTable(bytes: Uint8Array, table: string): string {
  if (table !== KATAKANA) return decodeText(bytes, table)
  const character = (byte: number): string => {
    if (byte < 0x80) return String.fromCharCode(byte)
    if (byte < FIRST_KATAKANA || byte > LAST_KATAKANA) return '\ufffd'
    return String.fromCharCode(FIRST_HALF_WIDTH + byte - FIRST_KATAKANA)
  }
  return Array.from(bytes, character).join('')
}

/** Encodings that bytes can be told to be in without a command that says so. */
export const GUESSES = ['utf-8', 'euc-kr', 'gb18030'] as const
export type Guess = (typeof GUESSES)[number]

const FIRST_PAIRED = 0xa1

/** Whether these bytes are in this encoding and hardly by chance; ASCII alone is in none. */
export function isProbably(bytes: Uint8Array, guess: Guess): boolean {
  if (guess === 'utf-8') return isUtf8(bytes)
  for (let at = 0; at < bytes.length; at += 1) {
    if ((bytes[at] ?? 0) < 0x80) continue
    if ((bytes[at] ?? 0) < FIRST_PAIRED || (bytes[at + 1] ?? 0) < FIRST_PAIRED) return false
    at += 1
  }
  return !decodeText(bytes, guess).includes('\ufffd')
}
