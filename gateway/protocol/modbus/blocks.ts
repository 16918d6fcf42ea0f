import { isOfBits, type Pdu } from './pdu.js'
import type { ModbusOptions, Register } from './register-schema.js'
import { registersOf } from './register-value.js'

/** One question: registers of one group that stand beside each other. */
export interface Block {
  readonly function: number
  readonly address: number
  readonly count: number
  readonly everyMs: number
  readonly onlyChanges: boolean
  readonly registers: readonly Register[]
}

/** What is asked of a device. Registers that nobody declared are not read over: many refuse it. */
export function blocksOf({ groups, mostRegisters }: ModbusOptions): readonly Block[] {
  return groups.flatMap(({ registers, everyMs, onlyChanges }) => {
    const blocks: Block[] = []
    for (const register of registers.toSorted(byPlace)) {
      const last = blocks.at(-1)
      const end = register.address + sizeOf(register)
      if (last !== undefined && isBeside(last, register) && end - last.address <= mostRegisters) {
        const count = Math.max(last.count, end - last.address)
        blocks[blocks.length - 1] = { ...last, count, registers: [...last.registers, register] }
      } else {
        const { function: code, address } = register
        const count = sizeOf(register)
        const only = [register]
        blocks.push({ function: code, address, count, everyMs, onlyChanges, registers: only })
      }
    }
    return blocks
  })
}

/** Coils or registers that it takes. */
export function sizeOf({ type }: Register): number {
  return type === 'bit' ? 1 : registersOf(type)
}

/** Whether this is an answer to that question, by everything that an answer says of it. */
export function answers(request: Pdu, reply: Pdu): boolean {
  if (reply.function !== request.function) return false
  if (reply.type === 'exception') return true
  switch (request.type) {
    case 'span':
      return isOfBits(request.function)
        ? reply.type === 'bits' && reply.bits.length === Math.ceil(request.count / 8) * 8
        : reply.type === 'registers' && reply.registers.length === request.count
    case 'one':
      return (
        reply.type === 'one' && reply.address === request.address && reply.value === request.value
      )
    case 'write-bits':
    case 'write-registers':
      return (
        reply.type === 'span' && reply.address === request.address && reply.count === request.count
      )
    case 'identify':
      return reply.type === 'identity'
    default:
      return true
  }
}

function byPlace(left: Register, right: Register): number {
  return left.function - right.function || left.address - right.address
}

function isBeside(block: Block, register: Register): boolean {
  return block.function === register.function && register.address <= block.address + block.count
}
