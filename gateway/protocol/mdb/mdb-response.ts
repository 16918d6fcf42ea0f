import { ByteReader, toHex } from '../../core/bytes.js'
import { type MdbFields, type MdbMessage, type Peripheral, readIdentity } from './mdb-command.js'

/** What a peripheral answers, without its checksum; nothing where it is not known. */
export function readResponse(peripheral: Peripheral, data: Uint8Array): MdbMessage | undefined {
  switch (peripheral) {
    case 'cashless':
      return readCashless(data)
    case 'coin-changer':
      return readCoinChanger(data)
    case 'bill-validator':
      return readBillValidator(data)
  }
}

interface Response {
  readonly name: string
  readonly lengths: readonly number[]
  readonly read?: (reader: ByteReader) => MdbFields
}

const amount = (reader: ByteReader): MdbFields => ({ amount: reader.uintBE(reader.remaining) })

const CASHLESS: Readonly<Record<number, Response>> = {
  0: { name: 'just-reset', lengths: [1] },
  1: {
    name: 'reader-config',
    lengths: [8],
    read: reader => ({
      featureLevel: reader.uintBE(1),
      country: toHex(reader.take(2)),
      scaleFactor: reader.uintBE(1),
      decimals: reader.uintBE(1),
      maxResponseS: reader.uintBE(1),
      options: reader.uintBE(1),
    }),
  },
  2: {
    name: 'display-request',
    lengths: Array.from({ length: 33 }, (_, at) => at + 3),
    read: reader => ({
      displayTenths: reader.uintBE(1),
      text: Buffer.from(reader.take(reader.remaining)).toString('latin1'),
    }),
  },
  3: {
    name: 'begin-session',
    // Funds alone, with diagnostics, with the medium's data, and the same with 32-bit money.
    lengths: [3, 4, 10, 17],
    read: reader => ({ funds: reader.uintBE(reader.remaining === 16 ? 4 : 2) }),
  },
  4: { name: 'session-cancel-request', lengths: [1] },
  5: { name: 'vend-approved', lengths: [3, 5], read: amount },
  6: { name: 'vend-denied', lengths: [1] },
  7: { name: 'end-session', lengths: [1] },
  8: { name: 'cancelled', lengths: [1] },
  9: { name: 'peripheral-id', lengths: [30, 34], read: readIdentity },
  10: { name: 'malfunction', lengths: [2], read: reader => ({ code: toHex(reader.take(1)) }) },
  11: { name: 'command-out-of-sequence', lengths: [1, 2] },
  13: { name: 'revalue-approved', lengths: [1] },
  14: { name: 'revalue-denied', lengths: [1] },
  15: { name: 'revalue-limit-amount', lengths: [3, 5], read: amount },
  17: { name: 'time-date-request', lengths: [1] },
  // How many keys are wanted, and of which kind.
  18: { name: 'data-entry-request', lengths: [1, 2] },
  19: { name: 'data-entry-cancel', lengths: [1] },
}

function readCashless(data: Uint8Array): MdbMessage | undefined {
  const response = CASHLESS[data[0] ?? -1]
  if (response === undefined || !response.lengths.includes(data.length)) return undefined
  const fields = response.read?.(new ByteReader(data.subarray(1))) ?? {}
  return { name: response.name, fields }
}

const COIN_STATUS: Readonly<Record<number, string>> = {
  1: 'escrow-return-request',
  2: 'changer-payout-busy',
  3: 'no-credit',
  4: 'defective-tube-sensor',
  5: 'double-arrival',
  6: 'acceptor-unplugged',
  7: 'tube-jam',
  8: 'rom-checksum-error',
  9: 'coin-routing-error',
  10: 'changer-busy',
  11: 'changer-was-reset',
  12: 'coin-jam',
  13: 'possible-credited-coin-removal',
}

const COIN_ROUTES = ['cash-box', 'tubes', 'not-used', 'reject'] as const
const COIN_SETUP_BYTES = 23
const TUBE_STATUS_BYTES = 18
const COIN_IDENTITY_BYTES = 33

function readCoinChanger(data: Uint8Array): MdbMessage | undefined {
  const reader = new ByteReader(data)
  if (data.length === COIN_SETUP_BYTES)
    return {
      name: 'coin-setup',
      fields: {
        featureLevel: reader.uintBE(1),
        countryOrCurrency: toHex(reader.take(2)),
        scaleFactor: reader.uintBE(1),
        decimals: reader.uintBE(1),
        routing: toHex(reader.take(2)),
        creditValues: [...reader.take(reader.remaining)],
      },
    }
  if (data.length === TUBE_STATUS_BYTES)
    return {
      name: 'tube-status',
      fields: { full: toHex(reader.take(2)), tubes: [...reader.take(reader.remaining)] },
    }
  if (data.length === COIN_IDENTITY_BYTES)
    return { name: 'peripheral-id', fields: readIdentity(reader) }
  return coinActivity(reader)
}

/** The first of the activities that a changer tells when it is polled. */
function coinActivity(reader: ByteReader): MdbMessage | undefined {
  if (reader.remaining === 0 || reader.remaining > 16) return undefined
  const first = reader.uintBE(1)
  if (first >= 0x20 && first < 0x40) return { name: 'slug', fields: { count: first & 0x1f } }
  if (first < 0x20) {
    const name = COIN_STATUS[first]
    return name === undefined ? undefined : { name, fields: {} }
  }
  if (reader.remaining === 0) return undefined
  const tubeCount = reader.uintBE(1)
  const coinType = first & 0x0f
  if (first >= 0x80)
    return {
      name: 'coin-dispensed-manually',
      fields: { coinType, count: (first >> 4) & 7, tubeCount },
    }
  const route = COIN_ROUTES[(first >> 4) & 3] ?? 'reject'
  return { name: 'coin-deposited', fields: { coinType, route, tubeCount } }
}

const BILL_STATUS: Readonly<Record<number, string>> = {
  1: 'defective-motor',
  2: 'sensor-problem',
  3: 'validator-busy',
  4: 'rom-checksum-error',
  5: 'validator-jammed',
  6: 'just-reset',
  7: 'bill-removed',
  8: 'cash-box-out-of-position',
  9: 'validator-disabled',
  10: 'invalid-escrow-request',
  11: 'bill-rejected',
  12: 'possible-credited-bill-removal',
}

const BILL_ROUTES = [
  'bill-stacked',
  'escrow-position',
  'bill-returned',
  'bill-to-recycler',
  'disabled-bill-rejected',
  'bill-to-recycler-manually',
  'bill-dispensed-manually',
  'bill-recycler-to-cash-box',
] as const
const BILL_SETUP_BYTES = 27
const BILL_IDENTITY_BYTES: readonly number[] = [29, 33]
const STACKER_BYTES = 2

function readBillValidator(data: Uint8Array): MdbMessage | undefined {
  const reader = new ByteReader(data)
  if (data.length === BILL_SETUP_BYTES)
    return {
      name: 'bill-setup',
      fields: {
        featureLevel: reader.uintBE(1),
        countryOrCurrency: toHex(reader.take(2)),
        scaleFactor: reader.uintBE(2),
        decimals: reader.uintBE(1),
        stackerCapacity: reader.uintBE(2),
        security: toHex(reader.take(2)),
        escrow: reader.uintBE(1) !== 0,
        creditValues: [...reader.take(reader.remaining)],
      },
    }
  if (BILL_IDENTITY_BYTES.includes(data.length))
    return { name: 'peripheral-id', fields: readIdentity(reader) }
  const first = data[0] ?? 0
  if (first >= 0x80)
    return {
      name: BILL_ROUTES[(first >> 4) & 7] ?? 'bill-rejected',
      fields: { billType: first & 0x0f },
    }
  const name = BILL_STATUS[first]
  if (name !== undefined) return { name, fields: {} }
  if (first >= 0x40 && first < 0x60)
    return { name: 'input-tries-while-disabled', fields: { count: first & 0x1f } }
  if (data.length !== STACKER_BYTES) return undefined
  const stacked = reader.uintBE(2)
  return { name: 'stacker', fields: { isFull: stacked >= 0x8000, count: stacked & 0x7fff } }
}
