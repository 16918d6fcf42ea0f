import { concatBytes } from '../../core/bytes.js'
import { fail, ok, type Result } from '../../core/result.js'
import { type Apdu, encodeApdu } from './apdu.js'
import { type Bmp, encodeBmps, readBmps, tlvOf } from './bmp.js'
import {
  abort,
  abortWithCurrency,
  type Head,
  type HeadReader,
  instruction,
  none,
  password,
  printLine,
  readCard,
  registration,
  registrationWithCurrency,
  status,
  statusWithTimeout,
  systemInformation,
  terminalStatus,
  version,
  versionAndStatus,
} from './head.js'
import type { TlvElement } from './tlv.js'

/** An APDU taken apart; nothing of it is guessed. */
export interface ZvtMessage {
  readonly control: string
  readonly head: Head
  readonly bmps: readonly Bmp[]
  /** Of all its TLV containers. */
  readonly tlv: readonly TlvElement[]
}

const PASSWORD = [password, none]
const ONE_BYTE = [terminalStatus, none]

/**
 * What may stand in front of a message's BMPs; the first head behind which the rest is BMPs to the
 * last byte is meant. A completion does not say what it completes: its version and status are told
 * apart from BMPs in this order.
 */
const HEADS: Readonly<Record<string, readonly HeadReader[]>> = {
  '0401': [none],
  '040F': [none],
  '04FF': [statusWithTimeout, status, none],
  '0501': PASSWORD,
  '0600': [registrationWithCurrency, registration],
  '060F': [versionAndStatus, version, none, terminalStatus, systemInformation],
  '0610': PASSWORD,
  '0612': PASSWORD,
  '061B': PASSWORD,
  '061E': [abortWithCurrency, abort, none],
  '0620': PASSWORD,
  '0621': PASSWORD,
  '0630': PASSWORD,
  '0631': PASSWORD,
  '0650': PASSWORD,
  '0651': PASSWORD,
  '0652': PASSWORD,
  '0693': PASSWORD,
  '06C0': [readCard],
  '06D1': [printLine],
  '0814': PASSWORD,
  '0830': ONE_BYTE,
  '0850': ONE_BYTE,
  '0F10': PASSWORD,
  '0FA1': [instruction],
  '8000': [none],
}

export function readMessage({ control, data }: Apdu): Result<ZvtMessage, string> {
  let failure = `${control} is not whole`
  for (const readHead of HEADS[control] ?? [none, password]) {
    const head = readHead(data)
    if (head === undefined) continue
    const read = readBody(data.subarray(head.bytes.length))
    if (read.ok) return ok({ control, head, ...read.value })
    failure = read.error
  }
  return fail(failure)
}

/** The same bytes again. @throws RangeError where a value does not fit its field. */
export function encodeMessage(message: Pick<ZvtMessage, 'control' | 'head' | 'bmps'>): Uint8Array {
  const { control, head, bmps } = message
  return encodeApdu({ control, data: concatBytes([head.bytes, encodeBmps(bmps)]) })
}

function readBody(data: Uint8Array): Result<Pick<ZvtMessage, 'bmps' | 'tlv'>, string> {
  const bmps = readBmps(data)
  if (!bmps.ok) return bmps
  const tlv = tlvOf(bmps.value)
  return tlv.ok ? ok({ bmps: bmps.value, tlv: tlv.value }) : tlv
}
