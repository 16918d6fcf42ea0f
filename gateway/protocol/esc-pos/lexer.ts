import { commandSize, DLE, ESC, FS, GS } from './commands.js'

/** A piece of a printer's stream. */
export type Token =
  | { readonly type: 'text'; readonly bytes: Uint8Array }
  /** A control byte that is a command by itself: LF, CR, FF, HT, BEL, CAN, or without meaning. */
  | { readonly type: 'control'; readonly byte: number }
  /** Its name is what follows the escape: `ESC p`, `GS V`, `DLE EOT`. */
  | {
      readonly type: 'command'
      readonly name: CommandName
      readonly args: Uint8Array
    }
  /** Two bytes that begin no command there is. */
  | { readonly type: 'unknown' }
  /** The two bytes of a command that is longer than any receipt. */
  | { readonly type: 'oversized' }

export type CommandName = `${'DLE' | 'ESC' | 'FS' | 'GS'} ${string}`

export interface Placed {
  readonly token: Token
  readonly size: number
}

const LEADS: Readonly<Record<number, 'DLE' | 'ESC' | 'FS' | 'GS'>> = {
  [DLE]: 'DLE',
  [ESC]: 'ESC',
  [FS]: 'FS',
  [GS]: 'GS',
}
const NAMES: Readonly<Record<number, string>> = {
  4: 'EOT',
  5: 'ENQ',
  12: 'FF',
  20: 'DC4',
  32: 'SP',
}

/**
 * The token at this place of the bytes before `end`, or that its command is not whole. For one that
 * announces more than `longest` bytes nobody waits.
 */
export function tokenAt(
  bytes: Uint8Array,
  place: { readonly at: number; readonly end: number; readonly longest: number },
): Placed | 'unfinished' {
  const { at, end, longest } = place
  const lead = bytes[at] ?? 0
  if (lead >= 0x20) return textAt(bytes, at, end)
  const prefix = LEADS[lead]
  if (prefix === undefined) return { token: { type: 'control', byte: lead }, size: 1 }
  const size = commandSize(bytes, at, end)
  if (size === 'unknown') return { token: { type: 'unknown' }, size: 2 }
  const isOversized = size === 'unfinished' ? end - at > longest : size > longest
  if (isOversized) return { token: { type: 'oversized' }, size: 2 }
  if (size === 'unfinished' || at + size > end) return 'unfinished'
  const code = bytes[at + 1] ?? 0
  const name = `${prefix} ${NAMES[code] ?? String.fromCharCode(code)}` as const
  return { token: { type: 'command', name, args: bytes.subarray(at + 2, at + size) }, size }
}

/** The whole tokens of these bytes, and where each stands; of one cut off at the end nothing. */
export function tokensIn(bytes: Uint8Array): readonly (Placed & { readonly at: number })[] {
  const tokens: (Placed & { readonly at: number })[] = []
  for (let at = 0; at < bytes.length; ) {
    const longest = Number.POSITIVE_INFINITY
    const placed = tokenAt(bytes, { at, end: bytes.length, longest })
    if (placed === 'unfinished') break
    tokens.push({ ...placed, at })
    at += placed.size
  }
  return tokens
}

/** No byte of a character is below 20 in any of the multi-byte code pages of printers. */
function textAt(bytes: Uint8Array, at: number, end: number): Placed {
  let to = at
  while (to < end && (bytes[to] ?? 0) >= 0x20) to += 1
  return { token: { type: 'text', bytes: bytes.subarray(at, to) }, size: to - at }
}
