import t from 'tap'
import { concatBytes, fromHex } from '../../../gateway/core/bytes.js'
import { createFramer, encodeFrame, framingSchema } from '../../../gateway/line/framing/catalog.js'
import { CodePayFramer, encodeCodePay } from '../../../gateway/protocol/payment/code-pay-framer.js'
import {
  encodeSmartSale,
  SmartSaleFramer,
} from '../../../gateway/protocol/payment/smart-sale-framer.js'
import { encodeUposFrame, UposFramer } from '../../../gateway/protocol/payment/upos-framer.js'
import { framerContract } from '../../contract/framer.js'

const text = (characters: string): Uint8Array => new TextEncoder().encode(characters)
const maxFrameBytes = 48

t.test('UPOS: base64 with a CRC inside', async t => {
  const payload = (data: string): Uint8Array => {
    const bytes = text(data)
    return concatBytes([Uint8Array.of(0, bytes.length), bytes])
  }
  framerContract(t, {
    createFramer: () => new UposFramer(maxFrameBytes),
    encode: encodeUposFrame,
    payloads: ['\xc0sale', 'A', 'status'].map(payload),
    maxFrameBytes,
    detectsCorruption: true,
    isEndedBySilence: false,
    alphabet: Uint8Array.of(0x02, 0x23, 0x03, 0x41, 0x3d),
    floods: ['02', '0223', '022303', '03', '41', `0223${'41'.repeat(40)}`].map(fromHex),
  })
})

t.test('SmartSale: length and CRC-16 over all', async t => {
  framerContract(t, {
    createFramer: () => new SmartSaleFramer(maxFrameBytes),
    encode: payload => encodeSmartSale(payload.subarray(3)),
    payloads: ['\x19sale', 'wait', 'ok'].map(data =>
      concatBytes([Uint8Array.of(0x02, data.length, 0), text(data)]),
    ),
    maxFrameBytes,
    // A corrupted length may claim a frame to come; only silence, or enough bytes, refute it.
    detectsCorruption: false,
    isEndedBySilence: false,
    alphabet: Uint8Array.of(0x01, 0x02, 0x00, 0x05),
    floods: ['02', '01', '020500', '00'].map(fromHex),
  })
})

t.test('CodePay: 55AA, length, XOR, CC33', async t => {
  framerContract(t, {
    createFramer: () => new CodePayFramer(maxFrameBytes),
    encode: encodeCodePay,
    payloads: ['01000000', '00010207', '000003ccaa55'].map(fromHex),
    maxFrameBytes,
    detectsCorruption: false,
    isEndedBySilence: false,
    alphabet: Uint8Array.of(0x55, 0xaa, 0x00, 0xcc, 0x33),
    floods: ['55', '55aa', '55aa0000000000', 'cc33'].map(fromHex),
  })
})

t.test('control bytes between frames are frames of their own', async t => {
  const framing = framingSchema.parse({
    type: 'stx-etx',
    checksum: 'lrc',
    controls: '0615',
    maxFrameBytes,
  })
  framerContract(t, {
    createFramer: () => createFramer(framing),
    encode: payload => (payload.length === 1 ? payload : encodeFrame(framing, payload)),
    payloads: [text('0200|1990|A'), Uint8Array.of(0x06), text('0260|ok'), Uint8Array.of(0x15)],
    maxFrameBytes,
    detectsCorruption: false,
    isEndedBySilence: false,
    alphabet: Uint8Array.of(0x02, 0x03, 0x06, 0x15, 0x30),
    floods: ['06', '0206', '0203', '15'].map(fromHex),
  })
})

t.test('a length of four bytes', async t => {
  const framing = framingSchema.parse({ type: 'length-prefixed', lengthBytes: 4, maxFrameBytes })
  framerContract(t, {
    createFramer: () => createFramer(framing),
    encode: payload => encodeFrame(framing, payload),
    payloads: ['<a/>', '<CardServiceRequest/>'].map(text),
    maxFrameBytes,
    detectsCorruption: false,
    isEndedBySilence: false,
    alphabet: Uint8Array.of(0x00, 0x01, 0x3c),
    floods: ['00', '0000', '00000001', '3c'].map(fromHex),
  })
})
