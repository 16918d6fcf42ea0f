import { fromHex } from '../../core/bytes.js'
import type { ReadMessage } from '../../protocol/protocol.js'
import {
  mtSics as createMtSics,
  mtSicsSchema,
  readSicsCommand,
} from '../../protocol/scale/mt-sics.js'
import type { Adapter, Observed } from './adapter.js'
import { allMessages } from './all-messages.js'

const ERRORS: Readonly<Record<string, string>> = {
  ES: 'syntax error',
  ET: 'transmission error',
  EL: 'logical error',
  I: 'not executable (busy)',
  L: 'wrong parameter',
  '+': 'overload',
  '-': 'underload',
}

/** What the text of an identity is called, by the command that asks for it. */
const IDENTITIES: Readonly<Record<string, string>> = {
  I2: 'data',
  I3: 'software_version',
  I4: 'serial_number',
  I5: 'software_id',
  I10: 'name',
  IA: 'serial_number',
  '@': 'serial_number',
}

/** Of a list (`I0 B …` to `I0 A`) all lines are told together. */
export const mtSics: Adapter = ({ hex, direction }) => {
  const bytes = fromHex(hex)
  if (direction.startsWith('host')) {
    const { command, parameters } = readSicsCommand(Buffer.from(bytes).toString('latin1'))
    return { command, parameters, ...(parameters.length > 0 ? { value: parameters[0] } : {}) }
  }
  const read = allMessages(createMtSics(mtSicsSchema.parse({ type: 'mt-sics' })), bytes)
  if (!read.ok) return { error: read.error }
  const commands = read.value
    .filter(({ name }) => name === 'listed')
    .map(({ fields: { level, listed } }) => ({ level: Number(level), command: listed }))
  const [first] = read.value
  if (first === undefined) return { error: 'idle' }
  return { ...describe(first), ...(commands.length > 0 ? { commands } : {}) }
}

function describe({ name, fields }: ReadMessage): Observed {
  const { command, text, state, status, value, unit, code } = fields
  switch (name) {
    case 'weight':
    case 'empty':
    case 'below-zero':
      return { command: 'S', status: 'stable', stable: true, ...fields }
    case 'moving':
      return { command: 'S', status: 'unstable', stable: false, ...fields }
    case 'no-weight':
      return { command: 'S', error: ERRORS[String(state)], stable: false, weight: null }
    case 'refused':
      return { command, error: ERRORS[String(state)] }
    case 'error':
      return { error: code === 'I' ? 'unknown command' : ERRORS[String(code)] }
    case 'identity':
      return {
        command,
        status: 'OK',
        ok: true,
        [IDENTITIES[String(command)] ?? 'text']: text,
        ...(command === 'I1' ? levelsOf(String(text)) : {}),
      }
    case 'value':
      return {
        command,
        status: STATUSES[String(status)],
        ok: true,
        value,
        weight: value,
        unit,
        ...stability(status),
      }
    default:
      return {
        command,
        status: STATUSES[String(status)],
        ok: true,
        success: true,
        ...stability(status),
      }
  }
}

function levelsOf(text: string): Observed {
  const [levels, ...versions] = text.split(' ')
  return {
    levels,
    ...Object.fromEntries(versions.map((version, level) => [`sics${level}_version`, version])),
  }
}

const STATUSES: Readonly<Record<string, string>> = { A: 'OK', S: 'stable', D: 'dynamic' }

function stability(status: unknown): Observed {
  return status === 'S' || status === 'D' ? { stable: status === 'S' } : {}
}
