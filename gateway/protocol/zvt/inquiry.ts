import { concatBytes } from '../../core/bytes.js'
import type { Inquiry, InquiryAnswer } from '../../line/link/inquiry.js'
import { encodeApdu, isAnswer, POSITIVE, readApdu } from './apdu.js'
import { ApduFramer } from './apdu-framer.js'
import { statusEnquiry } from './command.js'
import { readMessage, type ZvtMessage } from './message.js'
import { ACK, encodeSerial, SerialFramer } from './serial-framer.js'
import { findTlv } from './tlv.js'

const SOFTWARE_VERSION = '1F41'
const LONGEST_VERSION = 100

/** The status enquiry (05 01), which moves no money, and the completion with the software. */
export function zvtInquiry(options: {
  readonly line: 'serial' | 'tcp'
  readonly password: string
  readonly withinMs: number
}): Inquiry {
  const { line, password, withinMs } = options
  const isSerial = line === 'serial'
  const framed = isSerial ? encodeSerial : (apdu: Uint8Array) => apdu
  const ack = isSerial ? Uint8Array.of(ACK) : new Uint8Array(0)
  const completed = concatBytes([ack, framed(encodeApdu(POSITIVE))])
  const meaningOf = (payload: Uint8Array): Omit<InquiryAnswer, 'from' | 'to'> | undefined => {
    if (payload.length === 1) return {}
    const apdu = readApdu(payload)
    if (apdu === undefined) return undefined
    if (isAnswer(apdu)) return { reply: ack }
    if (apdu.control === '061E') return { reply: completed }
    if (apdu.control !== '060F') return undefined
    const message = readMessage(apdu)
    const firmware = message.ok ? versionOf(message.value) : undefined
    return { reply: completed, ...(firmware === undefined ? {} : { firmware }) }
  }
  return {
    request: framed(statusEnquiry(password)),
    withinMs,
    answer: heard => {
      let from = 0
      for (const output of (isSerial ? new SerialFramer() : new ApduFramer()).push(heard)) {
        const to = from + output.raw.length
        const meaning = output.type === 'frame' ? meaningOf(output.payload) : undefined
        if (meaning !== undefined) return { from, to, ...meaning }
        from = to
      }
      return undefined
    },
  }
}

function versionOf({ head, tlv }: ZvtMessage): string | undefined {
  const { softwareVersion = findTlv(tlv, SOFTWARE_VERSION)?.value, system } = head
  const stated = system?.softwareVersion ?? Buffer.from(softwareVersion ?? '').toString('latin1')
  const version = stated
    .replace(/[^\x21-\x7e]/g, ' ')
    .trim()
    .slice(0, LONGEST_VERSION)
  return version === '' ? undefined : version
}
