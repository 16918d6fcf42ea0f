/** The control bytes that begin commands, or are one. */
export const BEL = 0x07
export const HT = 0x09
export const LF = 0x0a
export const FF = 0x0c
export const CR = 0x0d
export const DLE = 0x10
export const CAN = 0x18
export const ESC = 0x1b
export const FS = 0x1c
export const GS = 0x1d

/** How many bytes a command takes in all; or too few have come to tell, or there is no such. */
export type Size = number | 'unfinished' | 'unknown'

/** The bytes from the command's first one on. */
type Peek = (at: number) => number | undefined

/** `undefined`: what it is told by has not come yet. */
type Measure = (peek: Peek) => number | undefined | 'unknown'

/** Arguments that end with NUL are never longer; else the command is unknown. */
const LONGEST_TO_NUL = 300

/**
 * The size of the command that begins with DLE, ESC, FS or GS, told by its leading bytes alone. Its
 * arguments are never text, whatever they look like. Sources:
 * mike42/escpos-php, receipt-print-hq/escpos-tools.
 */
export function commandSize(bytes: Uint8Array, at: number, end: number): Size {
  const peek: Peek = offset => (at + offset < end ? bytes[at + offset] : undefined)
  const name = peek(1)
  if (name === undefined) return 'unfinished'
  const rule = RULES[peek(0) ?? 0]?.get(name) ?? 'unknown'
  return (typeof rule === 'function' ? rule(peek) : rule) ?? 'unfinished'
}

/** `header` bytes, then as many as two (or four) little-endian bytes at `lengthAt` say. */
function counted(header: number, lengthAt: number, lengthBytes = 2): Measure {
  return peek => {
    const length = little(peek, lengthAt, lengthBytes)
    return length === undefined ? undefined : header + length
  }
}

function little(peek: Peek, at: number, count: number): number | undefined {
  let value = 0
  for (let index = count - 1; index >= 0; index -= 1) {
    const byte = peek(at + index)
    if (byte === undefined) return undefined
    value = value * 256 + byte
  }
  return value
}

/** `header` bytes, then x times y times `scale`, both `width` bytes wide. */
function area(options: {
  readonly header: number
  readonly at: number
  readonly width: number
  readonly scale: number
}): Measure {
  const { header, at, width, scale } = options
  return peek => {
    const x = little(peek, at, width)
    const y = little(peek, at + width, width)
    return x === undefined || y === undefined ? undefined : header + x * y * scale
  }
}

function toNul(from: number): Measure {
  return peek => {
    for (let at = from; at < LONGEST_TO_NUL; at += 1) {
      const byte = peek(at)
      if (byte === undefined) return undefined
      if (byte === 0) return at + 1
    }
    return 'unknown'
  }
}

/** The size by one argument; `undefined` in the table: no such command. */
function byArgument(at: number, sizes: (argument: number) => number | undefined): Measure {
  return peek => {
    const argument = peek(at)
    return argument === undefined ? undefined : (sizes(argument) ?? 'unknown')
  }
}

const barcode: Measure = peek => {
  const kind = peek(2)
  if (kind === undefined) return undefined
  if (kind <= 6) return toNul(3)(peek)
  if (kind < 0x41) return 'unknown'
  const length = peek(3)
  return length === undefined ? undefined : 4 + length
}

/** ESC *: a column is three bytes high in the modes 32 and 33. */
const columnImage: Measure = peek => {
  const mode = peek(2)
  const columns = little(peek, 3, 2)
  if (mode === undefined || columns === undefined) return undefined
  return 5 + columns * (mode === 32 || mode === 33 ? 3 : 1)
}

/** ESC & y c1 c2, then of each character its width x and x times y bytes. */
const userCharacters: Measure = peek => {
  const [height, first, last] = [peek(2), peek(3), peek(4)]
  if (height === undefined || first === undefined || last === undefined) return undefined
  let size = 5
  for (let character = first; character <= last; character += 1) {
    const width = peek(size)
    if (width === undefined) return undefined
    size += 1 + width * height
  }
  return size
}

/** FS q n, then of each stored image its size in bytes and eights of dots. */
const storedImages: Measure = peek => {
  const count = peek(2)
  if (count === undefined) return undefined
  let size = 3
  for (let image = 0; image < count; image += 1) {
    const x = little(peek, size, 2)
    const y = little(peek, size + 2, 2)
    if (x === undefined || y === undefined) return undefined
    size += 4 + x * y * 8
  }
  return size
}

const CUTS_WITH_FEED = '41 42 61 62 67 68'
const CUTS = '00 01 30 31'
const hexList = (list: string): readonly number[] => list.split(' ').map(hex => parseInt(hex, 16))

const cut = byArgument(2, mode => {
  if (hexList(CUTS).includes(mode)) return 3
  return hexList(CUTS_WITH_FEED).includes(mode) ? 4 : undefined
})

type Rules = ReadonlyMap<number, number | Measure>

/** Every character of `names` is a command of this size. */
function all(names: string, size: number): readonly (readonly [number, number])[] {
  return [...names].map(name => [name.charCodeAt(0), size] as const)
}

function one(name: string, measure: Measure): readonly [number, Measure] {
  return [name.charCodeAt(0), measure]
}

const RULES: Readonly<Record<number, Rules>> = {
  [DLE]: new Map<number, number | Measure>([
    [0x04, byArgument(2, n => (n === 7 || n === 8 ? 4 : 3))],
    [0x05, 3],
    [0x14, byArgument(2, fn => ({ 1: 5, 2: 5, 3: 8, 7: 4, 8: 10 })[fn])],
  ]),
  [ESC]: new Map<number, number | Measure>([
    ...all('@2imqLS<45\x0c', 2),
    ...all('!-EGMatRdeJK3 V{r=UT%?uv', 3),
    ...all('c$\\', 4),
    ...all('p', 5),
    ...all('W', 10),
    one('*', columnImage),
    one('D', toNul(2)),
    one('&', userCharacters),
    one('(', counted(5, 3)),
  ]),
  [FS]: new Map<number, number | Measure>([
    ...all('&.', 2),
    ...all('!-CW', 3),
    ...all('Sp?', 4),
    one('(', counted(5, 3)),
    one('q', storedImages),
  ]),
  [GS]: new Map<number, number | Measure>([
    ...all(':', 2),
    ...all('!BHhwfarIb/ET', 3),
    ...all('LW$\\P', 4),
    ...all('z^', 5),
    ...all('g', 6),
    one('V', cut),
    one('k', barcode),
    one('v', area({ header: 8, at: 4, width: 2, scale: 1 })),
    one('*', area({ header: 4, at: 2, width: 1, scale: 8 })),
    one('(', counted(5, 3)),
    one('8', counted(7, 3, 4)),
  ]),
}
