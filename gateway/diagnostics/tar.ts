import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { concatBytes } from '../core/bytes.js'

const compress = promisify(gzip)
const BLOCK_BYTES = 512
const NAME_BYTES = 100

export interface ArchivedFile {
  /** At most 100 characters of ASCII, `/` between folders. */
  readonly name: string
  readonly content: Uint8Array | string
}

/** A tar archive (POSIX.1-1988 ustar), compressed with gzip. @throws RangeError for a long name */
export async function tarGz(
  files: readonly ArchivedFile[],
  modifiedMs: number,
): Promise<Uint8Array> {
  const parts = files.flatMap(({ name, content }) => {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content
    const padding = new Uint8Array((BLOCK_BYTES - (bytes.length % BLOCK_BYTES)) % BLOCK_BYTES)
    return [headerOf(name, bytes.length, modifiedMs), bytes, padding]
  })
  return compress(concatBytes([...parts, new Uint8Array(2 * BLOCK_BYTES)]))
}

function headerOf(name: string, size: number, modifiedMs: number): Uint8Array {
  if (Buffer.byteLength(name) > NAME_BYTES) throw new RangeError(`too long: ${name}`)
  const header = Buffer.alloc(BLOCK_BYTES)
  const octal = (value: number, at: number, digits: number): void => {
    header.write(`${value.toString(8).padStart(digits, '0')}\0`, at, 'latin1')
  }
  header.write(name, 0, 'latin1')
  octal(0o600, 100, 7)
  octal(0, 108, 7)
  octal(0, 116, 7)
  octal(size, 124, 11)
  octal(Math.floor(modifiedMs / 1000), 136, 11)
  header.write('        ', 148, 'latin1')
  header.write('0', 156, 'latin1')
  header.write('ustar\x0000', 257, 'latin1')
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return header
}
