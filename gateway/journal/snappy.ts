const LITERAL = 0
/** Lengths of literals that are written behind the tag, in 1 to 4 bytes, begin here. */
const LONG_LITERAL = 60
/** Blocks of LevelDB are smaller by far: a length that flipped must not fill the memory. */
const MAX_BYTES = 64 * 1024 * 1024

/** Decodes raw Snappy (snappy, format_description.txt); nothing where it is damaged. */
export function unsnappy(packed: Uint8Array): Uint8Array | undefined {
  const head = lengthOf(packed)
  if (head === undefined || head.length > MAX_BYTES) return undefined
  const output = new Uint8Array(head.length)
  let to = 0
  for (let at = head.end; at < packed.length; ) {
    const tag = packed[at] ?? 0
    at += 1
    const kind = tag & 3
    const upper = tag >> 2
    const extra = kind === LITERAL ? literalHead(tag) - 1 : EXTRA[kind]
    const behind = uintLE(packed, at, extra ?? 0)
    at += extra ?? 0
    if (kind === LITERAL) {
      const length = 1 + (upper < LONG_LITERAL ? upper : behind)
      if (at + length > packed.length || to + length > output.length) return undefined
      output.set(packed.subarray(at, at + length), to)
      at += length
      to += length
      continue
    }
    const length = kind === 1 ? 4 + (upper & 7) : 1 + upper
    const back = kind === 1 ? ((tag >> 5) << 8) + behind : behind
    if (back === 0 || back > to || to + length > output.length) return undefined
    // Byte by byte: a copy may reach into what it has just written.
    for (const end = to + length; to < end; to += 1) output[to] = output[to - back] ?? 0
  }
  return to === output.length ? output : undefined
}

/** Bytes of a literal's tag and of its length behind that. */
export function literalHead(tag: number): number {
  return Math.max(1, (tag >> 2) - LONG_LITERAL + 2)
}

/** Bytes of the distance behind the tag of a copy, by its kind. */
const EXTRA = [0, 1, 2, 4]

function lengthOf(
  packed: Uint8Array,
): { readonly length: number; readonly end: number } | undefined {
  let length = 0
  for (let at = 0; at < 5; at += 1) {
    const byte = packed[at] ?? 0x80
    length += (byte & 0x7f) * 128 ** at
    if (byte < 0x80) return { length, end: at + 1 }
  }
  return undefined
}

function uintLE(bytes: Uint8Array, from: number, count: number): number {
  let value = 0
  for (let at = count - 1; at >= 0; at -= 1) value = value * 256 + (bytes[from + at] ?? 0)
  return value
}
