import { z } from 'zod'
import { DelimitedFramer, encodeDelimited } from '../../line/framing/delimited.js'
import {
  type FieldOutline,
  type MessageOutline,
  oneMessage,
  type Protocol,
  type Reading,
} from '../protocol.js'
import { MtSicsLink } from './mt-sics-link.js'
import { pollingFields, pollScale } from './polling.js'

export const mtSicsSchema = z.strictObject({
  type: z.literal('mt-sics'),
  ...pollingFields,
  /**
   * `SR` (level 1): the scale reports each new stable weight by itself. `SI` (level 0): it is asked
   * again and again.
   */
  ask: z.enum(['SR', 'SI']).default('SR'),
})

const FRAMING = { type: 'delimited', delimiters: '0d0a', maxFrameBytes: 256 } as const

const READING: readonly FieldOutline[] = [
  { name: 'weight', type: 'decimal' },
  { name: 'unit', type: 'text' },
]
const MESSAGES: readonly MessageOutline[] = [
  { name: 'weight', fields: READING },
  { name: 'empty', fields: READING },
  { name: 'below-zero', fields: READING },
  { name: 'moving', fields: READING },
  { name: 'no-weight', fields: [{ name: 'state', type: 'text' }] },
  {
    name: 'identity',
    fields: [
      { name: 'command', type: 'text' },
      { name: 'text', type: 'text' },
    ],
  },
  {
    name: 'listed',
    fields: [
      { name: 'command', type: 'text' },
      { name: 'level', type: 'text' },
      { name: 'listed', type: 'text' },
    ],
  },
  {
    name: 'value',
    fields: [
      { name: 'command', type: 'text' },
      { name: 'status', type: 'text' },
      { name: 'value', type: 'decimal' },
      { name: 'unit', type: 'text', optional: true },
    ],
  },
  {
    name: 'done',
    fields: [
      { name: 'command', type: 'text' },
      { name: 'status', type: 'text' },
    ],
  },
  {
    name: 'refused',
    fields: [
      { name: 'command', type: 'text' },
      { name: 'state', type: 'text' },
    ],
  },
  { name: 'error', fields: [{ name: 'code', type: 'text' }] },
]

/** Which command it answers, the status, and what follows. */
const REPLY = /^([A-Z@][A-Z]{0,4}\d{0,3}) ([A-Z+-])(?: +(\S.*))?$/
const VALUE = /^([+-]?\d{1,15}(?:\.\d{1,9})?)(?: +(\S{1,5}))?$/
const LISTED = /^(\d) +"([^"]*)"$/
/** Not now, a wrong parameter, above or below what it can do. */
const REFUSALS: ReadonlySet<string> = new Set(['I', 'L', '+', '-'])
/** Of a scale that took nothing for a command; `I` alone is how some imitations say `ES`. */
const ERROR = /^(E[STL]|I)$/
/** Fields that are words, with or without the quotes that some scales leave out. */
const WORDS = /"[^"]*"|\S+/g

/**
 * MT-SICS levels 0 and 1: lines of a command's name, a status and values. Blanks part them, however
 * many. Sources: METTLER TOLEDO, Reference Manual MT-SICS; Atlantis-Software/mt-sics.
 */
export function mtSics(options: z.output<typeof mtSicsSchema>): Protocol {
  const { everyMs, replyWithinMs, ask } = options
  const request = Buffer.from('SI\r\n').toString('hex')
  return {
    messages: MESSAGES,
    link: ask === 'SR' ? new MtSicsLink() : pollScale({ request, everyMs, replyWithinMs }),
    createFramer: () => new DelimitedFramer(FRAMING),
    read,
    encode: (message, values) => encodeDelimited(FRAMING, Buffer.from(textOf(message, values))),
  }
}

/** What a host asks: the command in capitals, and its parameters. */
export function readSicsCommand(line: string): {
  readonly command: string
  readonly parameters: readonly string[]
} {
  const [command = '', ...parameters] = line.trim().match(WORDS) ?? []
  return { command: command.toUpperCase(), parameters: parameters.map(unquoted) }
}

function read(payload: Uint8Array): Reading {
  const text = Buffer.from(payload).toString('latin1').trimEnd()
  const [, code] = ERROR.exec(text) ?? []
  if (code !== undefined) return oneMessage('error', { code })
  const [, command = '', status = '', rest] = REPLY.exec(text) ?? []
  if (command === '') return { type: 'rejected', issue: 'expected a reply of MT-SICS' }
  const isWeight = command === 'S' || command === 'SI' || command === 'SR' || command === 'SIR'
  if (REFUSALS.has(status) && rest === undefined)
    return isWeight
      ? oneMessage('no-weight', { state: status })
      : oneMessage('refused', { command, state: status })
  if (isWeight && (status === 'S' || status === 'D')) return readWeight(status, rest ?? '')
  return readRest({ command, status, rest })
}

function readWeight(status: 'S' | 'D', rest: string): Reading {
  const [, weight, unit] = VALUE.exec(rest) ?? []
  if (weight === undefined || unit === undefined)
    return { type: 'rejected', message: 'weight', issue: 'expected a decimal and its unit' }
  if (status === 'D') return oneMessage('moving', { weight, unit })
  if (!/[1-9]/.test(weight)) return oneMessage('empty', { weight, unit })
  return oneMessage(weight.startsWith('-') ? 'below-zero' : 'weight', { weight, unit })
}

function readRest(reply: {
  readonly command: string
  readonly status: string
  readonly rest: string | undefined
}): Reading {
  const { command, status, rest } = reply
  if (rest === undefined) return oneMessage('done', { command, status })
  const [, level, listed] = LISTED.exec(rest) ?? []
  if (status === 'B' && level !== undefined && listed !== undefined)
    return oneMessage('listed', { command, level, listed })
  const [, value, unit] = VALUE.exec(rest) ?? []
  if (value !== undefined && !/^I\d/.test(command))
    return oneMessage('value', { command, status, value, ...(unit === undefined ? {} : { unit }) })
  const words = rest.match(WORDS) ?? []
  return oneMessage('identity', { command, text: words.map(unquoted).join(' ') })
}

function unquoted(word: string): string {
  return word.length > 1 && word.startsWith('"') && word.endsWith('"') ? word.slice(1, -1) : word
}

function textOf(message: string, values: Readonly<Record<string, unknown>>): string {
  const { weight, unit, state, command, text, status, value, code, level, listed } = values
  switch (message) {
    case 'weight':
    case 'empty':
    case 'below-zero':
      return `S S ${String(weight).padStart(10)} ${unit}`
    case 'moving':
      return `S D ${String(weight).padStart(10)} ${unit}`
    case 'no-weight':
      return `S ${state}`
    case 'identity':
      return `${command} A "${text}"`
    case 'listed':
      return `${command} B ${level} "${listed}"`
    case 'value':
      return `${command} ${status} ${String(value).padStart(10)} ${unit}`
    case 'done':
      return `${command} ${status}`
    case 'refused':
      return `${command} ${state}`
    case 'error':
      return String(code)
    default:
      throw new RangeError(`no message ${message} in MT-SICS`)
  }
}
