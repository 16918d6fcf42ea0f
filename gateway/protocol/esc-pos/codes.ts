import { isUtf8 } from 'node:buffer'

/** A barcode or two-dimensional code on a receipt. */
export interface PrintedCode {
  readonly symbology: string
  readonly data: string
}

/** GS k: the first seven by both numberings. */
const LINEAR = ['UPC-A', 'UPC-E', 'EAN13', 'EAN8', 'CODE39', 'ITF', 'CODABAR'] as const
const MORE_LINEAR = ['CODE93', 'CODE128', 'GS1-128', 'GS1 DataBar Omnidirectional'] as const
const DATABARS = ['GS1 DataBar Truncated', 'GS1 DataBar Limited', 'GS1 DataBar Expanded'] as const
const FIRST_COUNTED = 0x41

const SQUARE: Readonly<Record<number, string>> = {
  48: 'PDF417',
  49: 'QR Code',
  50: 'MaxiCode',
  51: 'GS1 DataBar',
  52: 'Composite',
  54: 'DataMatrix',
  55: 'Aztec',
}

/** GS k, its arguments: the kind, then data up to NUL, or a length and as much data. */
export function linearCode(args: Uint8Array): PrintedCode {
  const kind = args[0] ?? 0
  const isCounted = kind >= FIRST_COUNTED
  const index = isCounted ? kind - FIRST_COUNTED : kind
  const symbology = [...LINEAR, ...MORE_LINEAR, ...DATABARS][index] ?? `barcode m=${kind}`
  return { symbology, data: printable(isCounted ? args.subarray(2) : args.subarray(1, -1)) }
}

/** What GS ( k did. */
export type SquareStep =
  | { readonly type: 'stored'; readonly code: PrintedCode }
  | { readonly type: 'printed'; readonly symbology: string }
  | { readonly type: 'set' }

/** GS ( k pL pH cn fn: function 80 stores a symbol's data behind one more byte, 81 prints it. */
export function squareStep(args: Uint8Array): SquareStep {
  const [, , , family = 0, fn = 0] = args
  const symbology = SQUARE[family] ?? `symbol cn=${family}`
  if (fn === 80) return { type: 'stored', code: { symbology, data: textOf(args.subarray(6)) } }
  return fn === 81 ? { type: 'printed', symbology } : { type: 'set' }
}

function textOf(bytes: Uint8Array): string {
  const isText = isUtf8(bytes) && bytes.every(byte => byte >= 0x20)
  return isText ? Buffer.from(bytes).toString('utf8') : printable(bytes)
}

/** Bytes that no one can read as `\xHH`. */
function printable(bytes: Uint8Array): string {
  const sign = (byte: number): string =>
    byte >= 0x20 && byte <= 0x7e
      ? String.fromCharCode(byte)
      : `\\x${byte.toString(16).padStart(2, '0')}`
  return Array.from(bytes, sign).join('')
}
