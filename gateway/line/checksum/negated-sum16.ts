import { sum16 } from './sum16.js'

/** What the sum of every byte lacks to 10000 hexadecimal, as Zebra's SSI has it. */
export function negatedSum16(bytes: Uint8Array): number {
  return -sum16(bytes) & 0xffff
}
