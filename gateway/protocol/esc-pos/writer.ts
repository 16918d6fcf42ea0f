import { encodeText } from '../../codec/code-page.js'
import { concatBytes, fromHex } from '../../core/bytes.js'

const INITIALISE = fromHex('1b40')
const CUT = fromHex('1d5600')
const FIRST_TABLE = 'cp437'

/**
 * What a register sends its printer. `receipt`: `text`, its lines in the printer's first code page;
 * `drawer: true` opens the drawer, `cut: false` leaves the paper whole. `drawer`: its `pin`.
 * @throws RangeError for any other message, and for a value that it does not take.
 */
export function writePrintout(
  message: string,
  values: Readonly<Record<string, unknown>>,
): Uint8Array {
  const { text, cut, drawer, pin } = values
  if (message === 'drawer') return pulse(pin)
  if (message !== 'receipt')
    throw new RangeError(`nothing is written for ${message}; there are receipt, drawer`)
  if (typeof text !== 'string') throw new RangeError('text: expected the lines of the receipt')
  return concatBytes([
    INITIALISE,
    encodeText(`${text}\n`, FIRST_TABLE),
    ...(drawer === true ? [pulse(0)] : []),
    ...(cut === false ? [] : [CUT]),
  ])
}

function pulse(pin: unknown): Uint8Array {
  if (pin !== 0 && pin !== 1) throw new RangeError('pin: expected 0 or 1')
  return Uint8Array.of(0x1b, 0x70, pin, 0x19, 0xfa)
}
