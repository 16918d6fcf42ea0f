import { digitsOfBcd } from '../../codec/bcd.js'
import { concatBytes, fromHex, toHex } from '../../core/bytes.js'
import {
  type Apdu,
  encodeApdu,
  POSITIVE,
  readApdu,
  readApduHeader,
} from '../../protocol/zvt/apdu.js'
import { ApduFramer } from '../../protocol/zvt/apdu-framer.js'
import { readMessage } from '../../protocol/zvt/message.js'
import { maskedPan } from '../../protocol/zvt/pan.js'
import { resultText } from '../../protocol/zvt/result-code.js'
import { ACK, NAK, SerialFramer } from '../../protocol/zvt/serial-framer.js'
import {
  readTlvElements,
  readTlvLength,
  readTlvTag,
  type TlvElement,
} from '../../protocol/zvt/tlv.js'
import { readVarLength, type VarLength } from '../../protocol/zvt/var-length.js'
import { type Adapter, type Observed, Spellings } from './adapter.js'
import { fieldsOf, panSpellings } from './zvt-fields.js'

const UNKNOWN_FIELD = '848300'
const UNKNOWN = 'unknown-failure'

/** The first APDU on the line, or the acknowledgement that stands there alone. */
const serial: Adapter = ({ hex, chunks = [hex] }) => {
  const framer = new SerialFramer()
  const outputs = [...chunks.flatMap(chunk => framer.push(fromHex(chunk))), ...framer.idle()]
  const frames = outputs.filter(output => output.type === 'frame')
  const frame = frames.find(({ payload }) => payload.length > 1) ?? frames[0]
  if (frame === undefined) {
    const [discarded] = outputs
    const reason = discarded?.type === 'discarded' ? discarded.reason : 'idle'
    return { crc_ok: false, ok: false, error: reason, reply_hex: hexOf(NAK) }
  }
  const { payload } = frame
  if (payload.length === 1) return { ack: payload[0] === ACK, nak: payload[0] === NAK }
  const apdu = readApdu(payload)
  return {
    ...(apdu === undefined ? { ok: false, error: 'length mismatch' } : apduFields(apdu)),
    apdu_hex: toHex(payload),
    crc_ok: true,
    reply_hex: hexOf(ACK),
  }
}

/** The first APDU; of one that is not whole what there is of it, beside the state that says so. */
const apdu: Adapter = ({ hex, direction }) => {
  const bytes = fromHex(hex)
  const header = readApduHeader(bytes)
  if (header === undefined) return { state: 'wait-for-more-data', lines: [], error: 'incomplete' }
  const { control, dataLength, dataOffset } = header
  const data = bytes.subarray(dataOffset, dataOffset + dataLength)
  const fields = apduFields({ control, data })
  const missing = dataOffset + dataLength - bytes.length
  if (missing !== 0) {
    const state = missing > 0 ? 'wait-for-more-data' : 'cannot-process'
    return { ...fields, state, lines: [], ok: false, error: 'length mismatch' }
  }
  const { parses } = fields
  const answer = parses === true ? toHex(encodeApdu(POSITIVE)) : UNKNOWN_FIELD
  const reply = direction === 'PT->ECR' ? { reply_hex: answer } : {}
  return { state: 'processed', ...reply, ...fields }
}

const header: Adapter = ({ hex }) => {
  const read = readApduHeader(fromHex(hex))
  if (read === undefined) return { ok: false, error: 'incomplete', data_length: 0, data_offset: 0 }
  const { control, dataLength, dataOffset } = read
  return { control, command: control, data_length: dataLength, data_offset: dataOffset }
}

const tcp: Adapter = ({ hex, chunks }) => {
  const framer = new ApduFramer()
  const heard: Apdu[] = []
  const states = (chunks ?? [hex]).map(chunk => {
    const outputs = framer.push(fromHex(chunk))
    for (const output of outputs) {
      const one = output.type === 'frame' ? readApdu(output.payload) : undefined
      if (one !== undefined) heard.push(one)
    }
    if (framer.bufferedBytes > 0) return 'wait-for-more-data'
    return outputs.some(({ type }) => type === 'discarded') ? 'cannot-process' : 'processed'
  })
  const [first] = heard
  const whole = chunks === undefined ? fromHex(hex) : concatBytes(chunks.map(fromHex))
  const used = first === undefined ? 0 : encodeApdu(first).length
  return {
    ...(first === undefined ? {} : apduFields(first)),
    state_after_each: states,
    state: states.at(-1),
    apdu_count: heard.length,
    commands: heard.map(({ control }) => control),
    ack: first?.control === '8000',
    remaining_hex: toHex(whole.subarray(used)),
    result: first === undefined && states.at(-1) === 'cannot-process' ? UNKNOWN : sendResult(first),
  }
}

/** What a till makes of the first answer to its command. */
function sendResult(answer: Apdu | undefined): string | Spellings {
  if (answer === undefined) return new Spellings('no-data', 'no-data-received')
  if (answer.control === '8000') return 'positive-completion'
  if (answer.control === '8483') return 'not-supported'
  return answer.control.startsWith('84') ? 'negative-completion' : UNKNOWN
}

/** The first command, what the terminal said last of the money, and how it ended. */
const dialogue: Adapter = ({ hex, dialog, direction }) => {
  const speaker = direction.startsWith('PT') ? 'PT' : 'ECR'
  const turns = (dialog ?? [[speaker, hex] as const]).map(([who, frame]) => ({
    who,
    apdu: readApdu(fromHex(frame)),
  }))
  const said = (name: string): readonly Apdu[] =>
    turns.flatMap(({ who, apdu: one }) => (who === name && one !== undefined ? [one] : []))
  const [command] = said('ECR').filter(({ control }) => control !== '8000')
  const fromTerminal = said('PT')
  const last = fromTerminal.at(-1)
  const status = fromTerminal.findLast(({ control }) => control === '040F')
  const abortCode = last?.control === '061E' ? last.data[0] : undefined
  return {
    ...(status === undefined ? {} : apduFields(status)),
    ...(abortCode === undefined
      ? {}
      : { result_code: abortCode, result_text: resultText(abortCode) }),
    ...(command === undefined ? {} : defined(apduFields(command))),
    final: finalOf(last),
    replies: said('ECR').map(one => toHex(encodeApdu(one))),
  }
}

function finalOf(last: Apdu | undefined): string {
  switch (last?.control) {
    case '060F':
      return 'success'
    case '061E':
      return 'abort'
    case '8483':
      return 'not-supported'
    default:
      return last?.control.startsWith('84') === true ? 'error' : 'timeout'
  }
}

const bcd: Adapter = ({ hex }) => {
  const bytes = fromHex(hex)
  const digits = digitsOfBcd(bytes)
  const pan = maskedPan(bytes)
  return {
    ...(digits.ok
      ? { value: Number(digits.value), digits: digits.value, amount_minor: Number(digits.value) }
      : { error: digits.error, ok: false }),
    ...(pan === undefined ? {} : { pan_masked: panSpellings(pan) }),
  }
}

function varLength(digits: VarLength): Adapter {
  return ({ hex }) => {
    const bytes = fromHex(hex)
    const length = readVarLength(bytes, digits)
    if (length === undefined) return { ok: false, error: 'expected digits F0 to F9' }
    const rest = bytes.subarray(digits)
    const value = rest.subarray(0, length)
    return {
      length,
      length_bytes: digits,
      value: toHex(value),
      text: Buffer.from(value).toString('latin1'),
      remaining_hex: toHex(rest.subarray(length)),
    }
  }
}

/** A tag, a length, or whole elements: what these bytes can be read as. */
const tlv: Adapter = ({ hex }) => {
  const bytes = fromHex(hex)
  const tag = readTlvTag(bytes)
  const length = readTlvLength(bytes)
  const elements = readTlvElements(bytes)
  const top = topElements(bytes)
  const [first] = top ?? []
  const isPart = [tag?.bytes, length?.bytes].includes(bytes.length)
  return {
    ...(tag === undefined
      ? {}
      : {
          tag: tag.hex,
          tag_bytes: tag.bytes,
          number: tag.number,
          constructed: tag.constructed,
          class: tag.class,
        }),
    ...(length === undefined ? {} : { length: length.length, length_bytes: length.bytes }),
    ...(first === undefined ? {} : { length: first.value.length, value: toHex(first.value) }),
    ...(top === undefined ? {} : { count: top.length }),
    ...(top === undefined || top.length === 0 ? {} : { tlv: pathsOf(top) }),
    ...(isPart || elements.ok ? {} : { ok: false, error: elements.error }),
  }
}

/** Also where what is inside of one is none. */
function topElements(bytes: Uint8Array): readonly TlvElement[] | undefined {
  const elements: TlvElement[] = []
  for (let rest = bytes; rest.length > 0; ) {
    const tag = readTlvTag(rest)
    const length = tag === undefined ? undefined : readTlvLength(rest.subarray(tag.bytes))
    if (tag === undefined || length === undefined) return undefined
    const from = tag.bytes + length.bytes
    const to = from + length.length
    if (to > rest.length) return undefined
    const value = rest.subarray(from, to)
    const inner = tag.constructed ? readTlvElements(value) : undefined
    elements.push({ tag, value, elements: inner?.ok === true ? inner.value : [] })
    rest = rest.subarray(to)
  }
  return elements
}

function pathsOf(elements: readonly TlvElement[]) {
  const pairs: (readonly [string, string])[] = []
  const collect = (inner: typeof elements, path: string): void => {
    for (const { tag, value, elements: below } of inner) {
      pairs.push([path + tag.hex, toHex(value)])
      collect(below, `${path}${tag.hex}/`)
    }
  }
  collect(elements, '')
  return Object.fromEntries(pairs)
}

function apduFields(one: Apdu): Observed {
  const read = readMessage(one)
  if (!read.ok)
    return { command: one.control, parses: false, ok: false, error: read.error, lines: [] }
  return fieldsOf(read.value)
}

function defined(fields: Observed): Observed {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

function hexOf(byte: number): string {
  return toHex(Uint8Array.of(byte))
}

/** ZVT and its layers, by the names that vectors give them. */
export const ZVT: Readonly<Record<string, Adapter>> = {
  'zvt-serial': serial,
  'zvt-apdu': apdu,
  'zvt-apdu-header': header,
  'zvt-tcp': tcp,
  'zvt-dialog': dialogue,
  'zvt-bcd': bcd,
  'zvt-llvar': varLength(2),
  'zvt-lllvar': varLength(3),
  'zvt-tlv': tlv,
}
