import iconv from 'iconv-lite'

/** Whether bytes can be read in this code page: `cp437`, `gb18030`, `euc-kr` … */
export function isCodePage(name: string): boolean {
  return iconv.encodingExists(name)
}

/** The text of these bytes; what the code page has no character for becomes U+FFFD. */
export function decodeText(bytes: Uint8Array, codePage: string): string {
  return iconv.decode(bytes, codePage, { stripBOM: false })
}

/** The bytes of a text; a character that the code page lacks becomes `?`. */
export function encodeText(text: string, codePage: string): Uint8Array {
  return iconv.encode(text, codePage)
}
