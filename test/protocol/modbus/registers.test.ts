import t from 'tap'
import { roundDecimal } from '../../../gateway/codec/decimal.js'
import { blocksOf } from '../../../gateway/protocol/modbus/blocks.js'
import { readBlock, writeRequest } from '../../../gateway/protocol/modbus/reading.js'
import { modbusSchema } from '../../../gateway/protocol/modbus/register-schema.js'
import { readValue, writeValue } from '../../../gateway/protocol/modbus/register-value.js'

type Given = Readonly<Record<string, unknown>>

function optionsOf(registers: readonly Given[], more: Given = {}) {
  const group = { name: 'all', everyMs: 1000, registers }
  return modbusSchema.parse({ type: 'modbus', groups: [group], ...more })
}

const TENTHS = { name: 'cabinet', function: 3, address: 1, type: 'int16', scale: 0.1, unit: '°C' }

/** What these registers mean, declared so. */
function readingOf(register: Given, registers: readonly number[]) {
  const [block] = blocksOf(optionsOf([{ ...TENTHS, ...register }]))
  if (block === undefined) throw new Error('a block')
  const [reading] = readBlock(block, { type: 'registers', function: 3, registers })
  return reading?.fields
}

t.test('scale, sign, word order and floats are exact', async t => {
  t.match(readingOf({}, [0xffd6]), { quantity: '-4.2' })
  t.match(readingOf({}, [0]), { quantity: '0' })
  t.match(readingOf({ type: 'uint16', scale: 0.001 }, [0xffff]), { quantity: '65.535' })
  t.match(readingOf({ type: 'uint32', scale: 10 }, [1, 0]), { quantity: '655360' })
  t.match(readingOf({ type: 'uint32', scale: 1, wordOrder: 'little' }, [0, 1]), {
    quantity: '65536',
  })
  t.match(readingOf({ type: 'int64', scale: 1 }, [0xffff, 0xffff, 0xffff, 0xfffe]), {
    quantity: '-2',
  })
  t.match(readingOf({ type: 'float32', scale: 1 }, [0x4366, 0x3333]), { quantity: '230.2' })
  t.match(readingOf({ type: 'float32', scale: 1, decimals: 1 }, [0x4366, 0x3334]), {
    quantity: '230.2',
  })
  t.match(readingOf({ type: 'float32', scale: 1, wordOrder: 'little' }, [0x3333, 0x4366]), {
    quantity: '230.2',
  })
  t.match(readingOf({ type: 'float64', scale: 1 }, [0x40da, 0x7ce0, 0, 0]), { quantity: '27123.5' })
})

t.test('a float that is tiny is rounded to what an event can say', async t => {
  t.match(readingOf({ type: 'float32', scale: 1 }, [0x3586, 0x37bd]), { quantity: '0.000001' })
  t.match(readingOf({ type: 'float32', scale: 1 }, [0x0000, 0x0001]), { quantity: '0' })
  t.equal(roundDecimal('-0.05', 1), '-0.1')
  t.equal(roundDecimal('9.995', 2), '10')
})

t.test('what cannot be a measurement is a fault, never a number', async t => {
  const faults = { '7fff': 'probe cut' }
  t.match(readingOf({ faults }, [0x7fff]), { fault: 'probe cut', quantity: undefined })
  t.match(readingOf({ most: 100 }, [0x7ffe]), { fault: 'implausible value' })
  t.match(readingOf({ least: -60 }, [0x8000]), { fault: 'implausible value' })
  t.match(readingOf({ type: 'float32' }, [0x7fc0, 0]), { fault: 'implausible value' })
  t.match(readingOf({ type: 'float32' }, [0x7f80, 0]), { fault: 'implausible value' }, 'infinity')
  t.match(readingOf({ type: 'uint64', scale: 1 }, [0xffff, 0, 0, 0]), {
    fault: 'implausible value',
  })
})

t.test('registers beside each other are one question, and no others are read over', async t => {
  const at = (address: number, type = 'int16', code = 3) => {
    return { ...TENTHS, name: `r${address}-${code}`, function: code, address, type }
  }
  const blocks = blocksOf(optionsOf([at(10), at(2, 'int32'), at(4), at(6), at(2, 'int16', 4)]))
  t.same(
    blocks.map(block => [block.function, block.address, block.count]),
    [
      [3, 2, 3],
      [3, 6, 1],
      [3, 10, 1],
      [4, 2, 1],
    ],
  )
  t.equal(blocksOf(optionsOf([at(0), at(1), at(2)], { mostRegisters: 2 })).length, 2)
})

t.test('every type holds what it is given and nothing more', async t => {
  for (const [type, value] of [
    ['int16', -32_768n],
    ['uint16', 65_535n],
    ['int32', -2_147_483_648n],
    ['uint32', 4_294_967_295n],
    ['int64', -(2n ** 63n)],
    ['uint64', 2n ** 64n - 1n],
  ] as const) {
    const registers = writeValue(value, { type, wordOrder: 'big' })
    const bytes = Uint8Array.from(registers.flatMap(word => [word >>> 8, word & 0xff]))
    t.same(readValue(bytes, type), { ok: true, value: String(value) })
    const beyond = value < 0 ? value - 1n : value + 1n
    t.throws(() => writeValue(beyond, { type, wordOrder: 'big' }), RangeError)
  }
})

t.test('a register is set in its own steps and within its bounds, or not at all', async t => {
  const write = { function: 16, least: -40, most: 20 }
  const register = (more: Given = {}) => {
    const [group] = optionsOf([{ ...TENTHS, write, ...more }]).groups
    const [only] = group?.registers ?? []
    if (only === undefined) throw new Error('a register')
    return only
  }
  t.match(writeRequest(register(), '-18.5'), { function: 16, count: 1, registers: [0xff47] })
  t.match(writeRequest(register({ write: { ...write, function: 6 } }), '1'), { value: 10 })
  t.throws(() => writeRequest(register(), '-40.1'), /-40 to 20/)
  t.throws(() => writeRequest(register(), '1.05'), /steps of 0.1/)
  t.throws(() => writeRequest(register(), 'NaN'), RangeError)
})

t.test('a declaration that cannot be is refused where it stands', async t => {
  const fault = (register: Given): string => {
    const parsed = modbusSchema.safeParse({
      type: 'modbus',
      groups: [{ name: 'all', everyMs: 1000, registers: [{ ...TENTHS, ...register }] }],
    })
    return parsed.error?.issues[0]?.message ?? 'none'
  }
  t.equal(fault({}), 'none')
  t.match(fault({ function: 1 }), /bit/)
  t.match(fault({ faults: { '7fff0000': 'probe' } }), /4 hexadecimal digits/)
  t.match(fault({ function: 4, write: { function: 6, least: 0, most: 1 } }), /cannot be written/)
  t.match(fault({ type: 'int32', write: { function: 6, least: 0, most: 1 } }), /16 for several/)
  const twice = {
    type: 'modbus',
    groups: [{ name: 'g', everyMs: 1000, registers: [TENTHS, TENTHS] }],
  }
  t.match(modbusSchema.safeParse(twice).error?.issues[0]?.message, /another name than cabinet/)
})
