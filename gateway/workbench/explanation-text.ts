import type { Explanation, Note } from './explain.js'

const PER_LINE = 8
/** Of `000010  ` and three columns a byte; the characters follow. */
const LEFT_WIDTH = 8 + 3 * PER_LINE + 1 + PER_LINE

type Colour = 'red' | 'green' | 'yellow' | 'blue' | 'bold' | 'dim' | 'plain'

const CODES: Readonly<Record<Colour, string>> = {
  red: '31',
  green: '32',
  yellow: '33',
  blue: '34',
  bold: '1',
  dim: '2',
  plain: '',
}

const NOTE_COLOURS: Readonly<Record<Note['type'], Colour>> = {
  head: 'bold',
  message: 'green',
  field: 'plain',
  event: 'green',
  bad: 'red',
  answer: 'blue',
}

const INDENTS: Readonly<Record<Note['type'], string>> = {
  head: '',
  message: '  ',
  field: '    ',
  event: '  ',
  bad: '  ',
  answer: '  ',
}

/** The lines of one explanation: bytes to the left, what they mean to the right. */
export function explanationLines(
  explanation: Explanation,
  options: { readonly colours: boolean },
): readonly string[] {
  const paint = (colour: Colour, text: string): string =>
    options.colours && colour !== 'plain' && text !== ''
      ? `\x1b[${CODES[colour]}m${text}\x1b[0m`
      : text
  const left = hexLines(explanation, paint)
  const right = noteLines(explanation, paint)
  const blank = ' '.repeat(LEFT_WIDTH)
  return Array.from({ length: Math.max(left.length, right.length) }, (_, index) =>
    `${left[index] ?? blank}  ${right[index] ?? ''}`.trimEnd(),
  )
}

type Paint = (colour: Colour, text: string) => string

function hexLines({ bytes, offset, kind, payload }: Explanation, paint: Paint): readonly string[] {
  const colourAt = (at: number): Colour => {
    if (kind === 'discarded') return 'red'
    if (kind === 'host') return 'blue'
    return at >= payload.start && at < payload.end ? 'plain' : 'yellow'
  }
  if (bytes.length === 0) return ['        (not shown)'.padEnd(LEFT_WIDTH)]
  return Array.from({ length: Math.ceil(bytes.length / PER_LINE) }, (_, line) => {
    const first = line * PER_LINE
    const part = [...bytes.subarray(first, first + PER_LINE)]
    const hex = part.map((byte, index) =>
      paint(colourAt(first + index), byte.toString(16).padStart(2, '0')),
    )
    const text = part.map((byte, index) => paint(colourAt(first + index), characterOf(byte)))
    const missing = PER_LINE - part.length
    const place = (offset + first).toString(16).padStart(6, '0')
    return [
      `${paint('dim', place)}  ${hex.map(one => `${one} `).join('')}${'   '.repeat(missing)}`,
      ` ${text.join('')}${' '.repeat(missing)}`,
    ].join('')
  })
}

function noteLines({ atMs, notes }: Explanation, paint: Paint): readonly string[] {
  return notes.map(({ type, text }) => {
    const shown = text.replace(/\p{Cc}/gu, '\ufffd')
    const time = type === 'head' && atMs > 0 ? `${(atMs / 1000).toFixed(3)} s: ` : ''
    return INDENTS[type] + paint(NOTE_COLOURS[type], time + shown)
  })
}

function characterOf(byte: number): string {
  return byte >= 0x20 && byte <= 0x7e ? String.fromCharCode(byte) : '.'
}
