import { z } from 'zod'
import { isOfBits } from './pdu.js'
import { REGISTER_TYPES, registersOf } from './register-value.js'

const name = z
  .string()
  .regex(/^[a-z][A-Za-z0-9-]{0,39}$/)
  .meta({ description: 'a name of letters, digits and -', examples: ['temperature'] })

const register = z
  .strictObject({
    name,
    /** 1 coils, 2 discrete inputs, 3 holding registers, 4 input registers. */
    function: z.literal([1, 2, 3, 4]),
    /** As it is sent, from 0: a manual's 40001 is address 0 of function 3. */
    address: z.int().min(0).max(0xffff),
    /** `bit` for functions 1 and 2. */
    type: z.enum(['bit', ...REGISTER_TYPES]),
    wordOrder: z.enum(['big', 'little']).default('big'),
    /** What the number is multiplied by, exactly: `0.1` for tenths. */
    scale: z.number().min(0.000_001).max(1_000_000).default(1),
    /** A float is rounded to so many. */
    decimals: z.int().min(0).max(9).exactOptional(),
    unit: z.string().min(1).max(20),
    /** Values that mean a fault (a broken probe), in hexadecimal as they stand in the registers. */
    faults: z
      .record(z.string().regex(/^([0-9a-f]{4}){1,4}$/), z.string().min(1).max(80))
      .default({}),
    /** What lies beyond is no reading: a word order that is wrong shows here first. */
    least: z.number().exactOptional(),
    most: z.number().exactOptional(),
    /** May be set, by this function and within these bounds. */
    write: z
      .strictObject({
        function: z.literal([5, 6, 16]),
        least: z.number(),
        most: z.number(),
      })
      .exactOptional(),
  })
  .superRefine((given, context) => {
    const refuse = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message })
    const isBit = given.type === 'bit'
    if (isBit !== isOfBits(given.function))
      refuse('type', 'expected `bit` for functions 1 and 2, a number for 3 and 4; write the one')
    const words = given.type === 'bit' ? 0 : registersOf(given.type)
    if (Object.keys(given.faults).some(raw => raw.length !== words * 4))
      refuse('faults', `expected ${words * 4} hexadecimal digits; write the whole value`)
    if (given.write === undefined) return
    if (given.function !== 1 && given.function !== 3)
      refuse('write', 'expected function 1 or 3; inputs cannot be written')
    if ((given.write.function === 5) !== isBit || (given.write.function === 6 && words > 1))
      refuse('write', 'expected 5 for a coil, 6 for one register, 16 for several; write it')
  })

export type Register = z.output<typeof register>

/** Registers that are asked for together, as often. */
const group = z.strictObject({
  name,
  everyMs: z.int().min(100).max(86_400_000),
  /** An answer that says what the last one said is not told again. */
  onlyChanges: z.boolean().default(false),
  registers: z.array(register).min(1).max(250),
})

/** A device that speaks Modbus: what it holds, and how often it is asked. */
export const modbusSchema = z
  .strictObject({
    type: z.literal('modbus'),
    transmission: z.enum(['rtu', 'ascii']).default('rtu'),
    /** The device's address as it is delivered; a shop's configuration says its own. */
    address: z.int().min(1).max(247).default(1),
    replyWithinMs: z.int().min(20).max(10_000).default(500),
    /** Questions in a row without an answer; then the device is absent. */
    absentAfter: z.int().min(1).max(100).default(3),
    /** How often an absent one is asked: each time costs its line `replyWithinMs`. */
    absentEveryMs: z.int().min(1000).max(3_600_000).default(30_000),
    /** Registers asked for in one question at most. */
    mostRegisters: z.int().min(1).max(125).default(40),
    /** Ask for vendor, product and revision (2B 0E) when the line opens. */
    identify: z.boolean().default(false),
    groups: z.array(group).min(1).max(50),
  })
  .superRefine(({ groups }, context) => {
    const names = groups.flatMap(({ registers }) => registers.map(one => one.name))
    const repeated = names.find((one, index) => names.indexOf(one) < index)
    if (repeated === undefined) return
    const message = `expected each register once; write another name than ${repeated}`
    context.addIssue({ code: 'custom', path: ['groups'], message })
  })

export type ModbusOptions = z.output<typeof modbusSchema>
