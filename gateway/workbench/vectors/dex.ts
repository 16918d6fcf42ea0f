import { fromHex, toHex } from '../../core/bytes.js'
import type { FramerOutput } from '../../line/framing/framer.js'
import { Dex, dexSchema } from '../../protocol/dex/dex.js'
import { type DexFrame, readDexFrame, readHandshake } from '../../protocol/dex/dex-frame.js'
import { DexLink, type DexState } from '../../protocol/dex/dex-link.js'
import {
  type AuditSet,
  counterOf,
  fieldOf,
  isNotAvailable,
  isSound,
  readAuditFile,
  type Segment,
} from '../../protocol/dex/eva-dts.js'
import type { Adapter, Observed } from './adapter.js'

const OPTIONS = dexSchema.parse({ type: 'dex' })
const LINK = new DexLink(OPTIONS)

/** Every frame of the bytes, each as our link hears it where it is due. */
const dexLink: Adapter = ({ hex }) => {
  const framer = new Dex(OPTIONS).createFramer()
  const outputs = [...framer.push(fromHex(hex)), ...framer.idle()]
  const told = outputs.filter(output => output.type === 'frame' || output.reason !== 'noise')
  let observed: Observed = {}
  let answer: DexState['answer'] = 'ACK0'
  for (const output of told) {
    const state = heard(output, answer)
    answer = state.answer
    const reply = state.outgoing && { reply_hex: toHex(state.outgoing) }
    observed = { ...observed, ...linkFrame(output, observed), ...reply }
  }
  return told.length === 0 ? { crc_ok: false, error: 'no frame' } : observed
}

/** The link behind this frame, and behind the journal, where the file ended with it. */
function heard(output: FramerOutput, answer: DexState['answer']): DexState {
  const frame = output.type === 'frame' ? readDexFrame(output.payload) : undefined
  const before: DexState = { ...LINK.initial, answer, phase: phaseFor(frame) }
  const { state, effects } = LINK.next(before, { type: 'framed', output, atMs: 0 })
  if (!effects.some(effect => effect.type === 'deliver')) return state
  return LINK.next(state, { type: 'settled', outcome: 'journaled', atMs: 0 }).state
}

function phaseFor(frame: DexFrame | undefined): DexState['phase'] {
  if (frame?.type === 'control') return 'resting'
  if (frame?.start !== 'SOH') return 'receiving'
  return readHandshake(frame.data)?.type === 'response' ? 'hearing-response' : 'hearing-request'
}

function linkFrame(output: FramerOutput, before: Observed): Observed {
  const frame = output.type === 'frame' ? readDexFrame(output.payload) : undefined
  if (frame?.type === 'control') return { control: frame.control }
  if (frame === undefined)
    return {
      frame: output.raw[1] === 1 ? 'SOH' : 'STX',
      crc_ok: false,
      data_delivered: false,
      error: output.type === 'discarded' ? output.reason : 'checksum',
    }
  const { start, last, data } = frame
  const block = { frame: start, last, crc_ok: true }
  const text = Buffer.from(data).toString('latin1')
  if (start === 'STX') {
    const { data: earlier = '' } = before
    return { ...block, data_delivered: true, data: `${earlier}${text}` }
  }
  const handshake = readHandshake(frame.data)
  if (handshake === undefined) return { ...block, data: text, data_hex: toHex(frame.data) }
  return {
    ...block,
    communication_id: handshake.communicationId,
    revision: handshake.revision,
    level: handshake.level,
    ...(handshake.type === 'request'
      ? { operation: handshake.operation }
      : { response_code: handshake.responseCode }),
  }
}

/** What each segment's fields are called, in their order; the first ones only where they count. */
const COUNTERS: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(
    ['VA1', 'VA2', 'VA3', 'CA2', 'DA2', 'DB2', 'TA2'].map(name => [
      name,
      ['value_init', 'vends_init', 'value_reset', 'vends_reset'],
    ]),
  ),
  ...Object.fromEntries(
    ['PA2', 'PA3', 'PA4'].map(name => [
      name,
      ['vends_init', 'value_init', 'vends_reset', 'value_reset'],
    ]),
  ),
}
const TEXTS: Readonly<Record<string, readonly string[]>> = {
  ID1: ['serial', 'model', 'build', 'location', 'user', 'asset'],
  ID4: ['decimals', 'currency', 'name'],
  ID5: ['date', 'time'],
}

const evadts: Adapter = ({ hex }) => {
  const [set] = readAuditFile(Buffer.from(fromHex(hex)).toString('latin1'))
  if (set === undefined) return { error: 'no audit', g85_ok: false }
  const { g85, count, segments, sender } = set
  const unsupported = segments.flatMap(({ fields }) => fields).find(isNotAvailable)
  return {
    ...bySegment(set),
    // Of a part of a file the checksum that would be printed below it.
    g85: g85.printed ?? (sender === undefined ? g85.computed : null),
    g85_ok: isSound(set),
    ...(isSound(set) ? {} : { error: 'G85' }),
    dxs_sender: sender,
    se_count: count.printed,
    se_count_ok: count.printed === count.counted,
    segments: count.counted,
    unsupported_counter: unsupported,
    products: segments
      .filter(({ name }) => name === 'PA1')
      .map(one => [fieldOf(one, 1), numberIn(one, 2)]),
  }
}

function bySegment({ segments }: AuditSet): Observed {
  const observed: Record<string, unknown> = {}
  let selection = ''
  for (const one of segments) {
    const { name } = one
    if (name === 'PA1') selection = fieldOf(one, 1) ?? ''
    const key = name.startsWith('PA') ? `${name}_${selection}`.toLowerCase() : name.toLowerCase()
    if (name === 'PA1') observed[key] = { price: numberIn(one, 2), name: fieldOf(one, 3) }
    else if (name === 'PA7') {
      const parts = [fieldOf(one, 1), fieldOf(one, 2), fieldOf(one, 3)]
      const counters = productTender(one)
      // Several price lists: the first is the list of the machine.
      observed[`pa7_${parts.slice(0, 2).join('_')}`.toLowerCase()] ??= counters
      observed[`pa7_${parts.join('_')}`.toLowerCase()] = counters
    } else if (observed[key] === undefined) observed[key] = membersOf(one)
  }
  return observed
}

function membersOf(one: Segment): Observed | undefined {
  const counters = COUNTERS[one.name]
  if (counters !== undefined)
    return Object.fromEntries(counters.map((key, at) => [key, numberIn(one, at + 1)]))
  const texts = TEXTS[one.name]
  return texts && Object.fromEntries(texts.map((key, at) => [key, fieldOf(one, at + 1)]))
}

function productTender(one: Segment): Observed {
  return {
    price_list: fieldOf(one, 3),
    price: numberIn(one, 4),
    vends_init: numberIn(one, 5),
    value_init: numberIn(one, 6),
    vends_reset: numberIn(one, 7),
    value_reset: numberIn(one, 8),
  }
}

/** Null where the machine keeps no such counter, or what stands there is no number. */
function numberIn(one: Segment, field: number): number | null {
  try {
    return counterOf(one, field) ?? null
  } catch (thrown) {
    if (thrown instanceof RangeError) return null
    throw thrown
  }
}

/** Vending audits: the link layer and the files that come over it. */
export const DEX: Readonly<Record<string, Adapter>> = { 'dex-link': dexLink, evadts }
