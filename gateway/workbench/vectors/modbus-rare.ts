import { ByteReader, toHex } from '../../core/bytes.js'
import type { Pdu } from '../../protocol/modbus/pdu.js'
import type { Direction } from '../../protocol/modbus/pdu-size.js'
import type { Observed } from './adapter.js'

type Rare = Extract<Pdu, { type: 'other' }>

/** What stands in messages that no dialect asks for, by the names of V1.1b3, chapter 6. */
export function rareFields({ function: code, data }: Rare, direction: Direction): Observed {
  const read = (direction === 'request' ? REQUESTS : REPLIES)[code]
  return read?.(new ByteReader(data)) ?? {}
}

type Read = (reader: ByteReader) => Observed

const word = (reader: ByteReader): number => reader.uintBE(2)

const words = (reader: ByteReader): readonly number[] =>
  Array.from({ length: Math.floor(reader.remaining / 2) }, () => reader.uintBE(2))

/** All ones while the device is still busy with a command of before. */
const isReady = (status: number): boolean => status === 0

const diagnostics: Read = reader => {
  const subFunction = word(reader)
  const data = reader.take(reader.remaining)
  return { sub_function: subFunction, data: words(new ByteReader(data)), data_hex: toHex(data) }
}

const maskWrite: Read = reader => ({
  address: word(reader),
  and_mask: word(reader),
  or_mask: word(reader),
})

/** Behind the count of bytes: type 6, file, record, and so many registers. */
const fileRecords =
  (hasData: boolean): Read =>
  reader => {
    reader.take(1)
    const records: Observed[] = []
    while (reader.remaining >= 7) {
      reader.take(1)
      const [file, record, length] = [word(reader), word(reader), word(reader)]
      const data = hasData ? { data_hex: toHex(reader.take(length * 2)) } : {}
      records.push({ file_number: file, record_number: record, record_length: length, ...data })
    }
    return { records }
  }

const REQUESTS: Readonly<Record<number, Read>> = {
  8: diagnostics,
  20: fileRecords(false),
  21: fileRecords(true),
  22: maskWrite,
  23: reader => {
    const [address, count, writeAddress, writeCount] = [1, 2, 3, 4].map(() => word(reader))
    reader.take(1)
    const registers = words(reader)
    return {
      address,
      count,
      read_address: address,
      read_count: count,
      write_address: writeAddress,
      write_count: writeCount,
      write_registers: registers,
      registers,
    }
  },
  24: reader => ({ address: word(reader) }),
}

const REPLIES: Readonly<Record<number, Read>> = {
  7: reader => ({ status: reader.uintBE(1) }),
  8: diagnostics,
  11: reader => {
    const [status, count] = [word(reader), word(reader)]
    return { status: isReady(status), count, event_count: count }
  },
  12: reader => {
    reader.take(1)
    const [status, count, messages] = [word(reader), word(reader), word(reader)]
    const events = [...reader.take(reader.remaining)]
    return { status: isReady(status), event_count: count, message_count: messages, events }
  },
  17: reader => {
    reader.take(1)
    const identifier = reader.take(Math.max(0, reader.remaining - 1))
    const status = reader.remaining > 0 && reader.uintBE(1) === 0xff
    return { identifier: Buffer.from(identifier).toString('latin1'), status }
  },
  21: fileRecords(true),
  22: maskWrite,
  23: reader => {
    reader.take(1)
    return { registers: words(reader) }
  },
  24: reader => {
    reader.take(2)
    const count = word(reader)
    const values = words(reader)
    return { count, values, registers: values }
  },
}
