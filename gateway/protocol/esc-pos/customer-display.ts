import { toHex } from '../../core/bytes.js'
import { CR, LF } from './commands.js'

/** What a till shows its customer on a display that speaks much like a printer. */
export interface DisplayScript {
  /** In order, in plain words. */
  readonly commands: readonly string[]
  readonly lines: readonly string[]
}

const STX = 0x02
const CLEAR = 0x0c
const ESC = 0x1b
const US = 0x1f
/** STX 05 function argument ETX. */
const SET_BYTES = 5

const WHOLE: Readonly<Record<string, string>> = {
  '0205560103': 'show-firmware-version',
  '0205440803': 'self-test',
  '1b40': 'initialise',
  '1f01': 'text-mode overwrite',
}
const LOGO = '02fc55aa55aa'

/** CD5220-like displays (Aures and others), only listened to. Source: mike42/escpos-php. */
export function readDisplay(bytes: Uint8Array): DisplayScript {
  const commands: string[] = []
  const lines: string[] = []
  let line = ''
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at] ?? 0
    const command = commandAt(bytes, at)
    if (command !== undefined) commands.push(command.words)
    else if (byte >= 0x20) line += String.fromCharCode(byte)
    else if ((byte === CR || byte === LF) && line !== '') {
      lines.push(line)
      line = ''
    }
    at += command?.size ?? 1
  }
  return { commands, lines: line === '' ? lines : [...lines, line] }
}

function commandAt(
  bytes: Uint8Array,
  at: number,
): { readonly words: string; readonly size: number } | undefined {
  const argument = bytes[at + 2] ?? 0
  switch (bytes[at]) {
    case CLEAR:
      return { words: 'clear', size: 1 }
    case STX: {
      if (toHex(bytes.subarray(at, at + 6)) === LOGO) return { words: 'show-logo', size: 6 }
      const set = toHex(bytes.subarray(at, at + SET_BYTES))
      const mode = Buffer.from(bytes.subarray(at + 2, at + 4)).toString('latin1')
      return { words: WHOLE[set] ?? `set-mode ${mode}`, size: SET_BYTES }
    }
    case ESC:
      if (bytes[at + 1] === 0x74) return { words: `code-table ${argument}`, size: 3 }
      return { words: WHOLE[toHex(bytes.subarray(at, at + 2))] ?? 'unknown', size: 2 }
    case US: {
      const words = WHOLE[toHex(bytes.subarray(at, at + 2))]
      return { words: words ?? `text-scroll-mode ${bytes[at + 1] ?? 0}`, size: 2 }
    }
    default:
      return undefined
  }
}
