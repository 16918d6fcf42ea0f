import type { Token } from './lexer.js'

/** What a printer says of itself. */
export interface PrinterState {
  readonly online: boolean
  readonly coverOpen: boolean
  readonly drawerOpen: boolean
  readonly paper: 'ok' | 'near-end' | 'end'
  readonly error: 'none' | 'recoverable' | 'unrecoverable'
}

export const READY: PrinterState = {
  online: true,
  coverOpen: false,
  drawerOpen: false,
  paper: 'ok',
  error: 'none',
}

/** A command that the printer answers; what cannot be asked is none. */
export interface StatusRequest {
  /** As it is written: `DLE EOT 1`. */
  readonly command: string
  readonly name: string
}

const NAMES: Readonly<Record<string, string>> = {
  'DLE EOT 1': 'printer-status',
  'DLE EOT 2': 'offline-status',
  'DLE EOT 3': 'error-status',
  'DLE EOT 4': 'paper-sensor-status',
  'GS r 1': 'paper-status',
  'GS r 2': 'drawer-status',
  'GS I 1': 'printer-id',
}

/** GS r and GS I also take their argument as a digit. */
export function requestOf(token: Token): StatusRequest | undefined {
  if (token.type !== 'command') return undefined
  const argument = token.args[0] ?? 0
  if (token.name === 'GS a')
    return argument === 0
      ? undefined
      : { command: `GS a ${argument}`, name: 'automatic-status-back' }
  const number = argument >= 0x31 && argument <= 0x39 ? argument - 0x30 : argument
  const command = `${token.name} ${number}`
  const name = NAMES[command]
  return name === undefined ? undefined : { command, name }
}

const FIXED = 0x12
const bit = (mask: number, isSet: boolean): number => (isSet ? mask : 0)

/** The answer to a request, as Epson's printers give it. Source: CrossEscPosEmulator. */
export function statusReply(command: string, state: PrinterState): Uint8Array {
  const { online, coverOpen, drawerOpen, paper, error } = state
  const isLow = paper !== 'ok'
  const isOut = paper === 'end'
  switch (command) {
    case 'DLE EOT 1':
      return Uint8Array.of(FIXED | bit(0x04, drawerOpen) | bit(0x08, !online))
    case 'DLE EOT 2':
      return Uint8Array.of(
        FIXED | bit(0x04, coverOpen) | bit(0x20, isOut) | bit(0x40, error !== 'none'),
      )
    case 'DLE EOT 3':
      return Uint8Array.of(
        FIXED | bit(0x20, error === 'unrecoverable') | bit(0x40, error === 'recoverable'),
      )
    case 'DLE EOT 4':
      return Uint8Array.of(FIXED | bit(0x0c, isLow) | bit(0x60, isOut))
    case 'GS r 1':
      return Uint8Array.of(bit(0x03, isLow) | bit(0x0c, isOut))
    case 'GS r 2':
      return Uint8Array.of(bit(0x01, drawerOpen))
    case 'GS I 1':
      return Uint8Array.of(0x02)
    default: {
      const first = 0x10 | bit(0x04, !drawerOpen) | bit(0x08, !online) | bit(0x20, coverOpen)
      return Uint8Array.of(first, 0, bit(0x03, isLow) | bit(0x0c, isOut), 0)
    }
  }
}

/** An answer, read as the answer to one request. */
export interface StatusReading {
  readonly command: string
  readonly state: Partial<PrinterState>
}

/**
 * What an answer means: one byte does not say which request it answers, so there may be several
 * readings, the likeliest first. None where it is no answer.
 */
export function readStatus(reply: Uint8Array): readonly StatusReading[] {
  const [first = 0, , third = 0] = reply
  if (reply.length === 4 && (first & 0x93) === 0x10) return [automatic(first, third)]
  if (reply.length !== 1) return []
  if ((first & 0x93) !== FIXED) return transmitted(first)
  const isLow = (first & 0x0c) === 0x0c
  const isOut = (first & 0x60) === 0x60
  const readings: readonly (StatusReading & { readonly mask: number })[] = [
    {
      command: 'DLE EOT 1',
      mask: 0x0c,
      state: { drawerOpen: (first & 0x04) !== 0, online: (first & 0x08) === 0 },
    },
    {
      command: 'DLE EOT 4',
      mask: 0x6c,
      state: { paper: isOut ? 'end' : isLow ? 'near-end' : 'ok' },
    },
    {
      command: 'DLE EOT 2',
      mask: 0x6c,
      state: {
        coverOpen: (first & 0x04) !== 0,
        paper: (first & 0x20) === 0 ? 'ok' : 'end',
        error: (first & 0x40) === 0 ? 'none' : 'recoverable',
      },
    },
    { command: 'DLE EOT 3', mask: 0x6c, state: { error: errorIn(first) } },
  ]
  const possible = readings.filter(({ mask }) => (first & ~(FIXED | mask)) === 0)
  // Only the paper sensors set these bits in pairs, and they set them in no other way.
  const isPaper = isLow || isOut
  const isPair = isLow === ((first & 0x0c) !== 0) && isOut === ((first & 0x60) !== 0)
  const order = (one: StatusReading): number => (one.command === 'DLE EOT 4' ? 0 : 1)
  const fitting = possible.filter(one => one.command !== 'DLE EOT 4' || isPair)
  const sorted = isPaper && isPair ? fitting.toSorted((a, b) => order(a) - order(b)) : fitting
  return sorted.map(({ command, state }) => ({ command, state }))
}

function errorIn(byte: number): PrinterState['error'] {
  if ((byte & 0x20) !== 0) return 'unrecoverable'
  return (byte & 0x40) === 0 ? 'none' : 'recoverable'
}

function automatic(first: number, third: number): StatusReading {
  const paper = (third & 0x0c) !== 0 ? 'end' : (third & 0x03) !== 0 ? 'near-end' : 'ok'
  const state = {
    online: (first & 0x08) === 0,
    drawerOpen: (first & 0x04) === 0,
    coverOpen: (first & 0x20) !== 0,
    paper,
  } as const
  return { command: 'GS a', state }
}

/** GS r: the paper in bits 0 to 3, the drawer in bit 0. */
function transmitted(byte: number): readonly StatusReading[] {
  if ((byte & 0xf0) !== 0) return []
  const paper = (byte & 0x0c) !== 0 ? 'end' : byte === 0 ? 'ok' : 'near-end'
  const drawer = { command: 'GS r 2', state: { drawerOpen: byte === 1 } }
  return [{ command: 'GS r 1', state: { paper } }, ...(byte <= 1 ? [drawer] : [])]
}
