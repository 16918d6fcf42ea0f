const TRAILER = Buffer.alloc(5)
const MAGIC = Buffer.from('57fb808b247547db', 'hex')

/**
 * A table of LevelDB (leveldb, doc/table_format.md) of that many bytes, with these keys as they are
 * in a block that breaks off behind them. LevelDB looks at neither their order nor a checksum.
 */
export function brokenTable(keys: readonly Uint8Array[], size: number): Uint8Array {
  // The last entry continues a longer key than there is before it.
  const data = block([...keys.map(key => entry(key, Buffer.of())), Buffer.of(100, 0, 0)])
  const meta = block([])
  // The index has its length whatever the place, for places are written in four bytes.
  const lengths = [data.length, meta.length, block([entry(LAST_KEY, handle(0, 0))]).length]
  const at = size - 48 - lengths.reduce((sum, length) => sum + length + TRAILER.length, 0)
  const index = block([entry(LAST_KEY, handle(at, data.length))])
  const metaAt = at + data.length + TRAILER.length
  const indexAt = metaAt + meta.length + TRAILER.length
  const handles = Buffer.concat([handle(metaAt, meta.length), handle(indexAt, index.length)])
  const blocks = [data, TRAILER, meta, TRAILER, index, TRAILER]
  const footer = [handles, Buffer.alloc(40 - handles.length), MAGIC]
  return Buffer.concat([Buffer.alloc(at), ...blocks, ...footer])
}

const LAST_KEY = Buffer.alloc(16, 0xff)

function block(entries: readonly Uint8Array[]): Buffer {
  // One restart, at 0.
  return Buffer.concat([...entries, Buffer.of(0, 0, 0, 0, 1, 0, 0, 0)])
}

function entry(key: Uint8Array, value: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(0, key.length, value.length), key, value])
}

function handle(at: number, length: number): Buffer {
  return Buffer.concat([varint(at), varint(length)])
}

/** Four bytes, whatever the number below 2^28. */
function varint(value: number): Buffer {
  const part = (shift: number): number => (value >> shift) & 0x7f
  return Buffer.of(part(0) | 0x80, part(7) | 0x80, part(14) | 0x80, part(21))
}
