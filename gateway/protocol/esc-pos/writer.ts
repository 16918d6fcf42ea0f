import { encodeText } from '../../codec/code-page.js'
import { concatBytes, fromHex } from '../../core/bytes.js'

const INITIALISE = fromHex('1b40')
const PULSE = fromHex('1b700019fa')
const CUT = fromHex('1d5600')
const FIRST_TABLE = 'cp437'

/**
 * What a register sends its printer for a `receipt`: `text`, its lines in the printer's first code
 * page, none where it is empty; `drawer: true` opens the drawer, `cut: false` leaves the paper
 * whole. @throws RangeError for any other message, and without a text.
 */
export function writePrintout(
  message: string,
  values: Readonly<Record<string, unknown>>,
): Uint8Array {
  if (message !== 'receipt')
    throw new RangeError(`nothing is written for ${message}; there is receipt`)
  const { text, cut, drawer } = values
  if (typeof text !== 'string') throw new RangeError('text: expected the lines of the receipt')
  return concatBytes([
    INITIALISE,
    encodeText(text === '' ? '' : `${text}\n`, FIRST_TABLE),
    ...(drawer === true ? [PULSE] : []),
    ...(cut === false ? [] : [CUT]),
  ])
}
