import { fromHex } from '../../core/bytes.js'
import {
  addressOf,
  type MdbFields,
  type Peripheral,
  readCommand,
} from '../../protocol/mdb/mdb-command.js'
import {
  ACK,
  markedBytes,
  NAK,
  RET,
  readMdbPayload,
  type Speaker,
} from '../../protocol/mdb/mdb-frame.js'
import { MdbFramer } from '../../protocol/mdb/mdb-framer.js'
import { readResponse } from '../../protocol/mdb/mdb-response.js'
import type { Adapter, Observed } from './adapter.js'

const ANSWERS: Readonly<Record<number, string>> = { [ACK]: 'ACK', [NAK]: 'NAK', [RET]: 'RET' }

/** Vectors give bytes without the ninth bit: who speaks says where it stands. */
const mdb: Adapter = ({ hex, direction }) => {
  const speaker: Speaker = direction.startsWith('peripheral') ? 'peripheral' : 'vmc'
  const framer = new MdbFramer()
  const outputs = [...framer.push(markedBytes(speaker, fromHex(hex))), ...framer.idle()]
  const [first, ...others] = outputs
  const said = first?.type === 'frame' && others.length === 0 && readMdbPayload(first.payload)
  if (!said) return { checksum_ok: false, error: 'checksum' }
  const { data, isSingle } = said
  if (isSingle) return { [speaker === 'vmc' ? 'command' : 'response']: ANSWERS[data[0] ?? -1] }
  const readings = speaker === 'vmc' ? [commandOf(data)] : responsesOf(data)
  return readings.map(reading => ({ checksum_ok: true, ...reading }))
}

/** By its name; a vend request for nothing has no meaning but its header's. */
function commandOf(data: Uint8Array): Observed {
  const { address, command } = addressOf(data)
  const header = { address, command, sub: data[1] }
  const message = readCommand(data)
  if (message === undefined) return header
  const { price, item } = message.fields
  if (message.name === 'vend-request' && price === 0) return { ...header, price, item }
  return { ...header, ...snakeCase(message.fields), command: shouted(message.name) }
}

const PERIPHERALS: readonly Peripheral[] = ['cashless', 'coin-changer', 'bill-validator']

/** Neither a peripheral nor a vector says which one it is: what each could mean by it. */
function responsesOf(data: Uint8Array): readonly Observed[] {
  const readings = PERIPHERALS.flatMap(peripheral => readResponse(peripheral, data) ?? [])
  if (readings.length === 0) return [{ error: 'unknown response' }]
  return readings.map(({ name, fields }) => ({
    ...snakeCase(fields),
    response: shouted(name),
    event: name,
  }))
}

/** `reader-config` is `READER CONFIG` in the specification's own words. */
function shouted(name: string): string {
  return name.toUpperCase().replaceAll('-', ' ')
}

function snakeCase(fields: MdbFields): Observed {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      key.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`),
      value,
    ]),
  )
}

/** The bus inside a vending machine. */
export const MDB: Readonly<Record<string, Adapter>> = { mdb }
