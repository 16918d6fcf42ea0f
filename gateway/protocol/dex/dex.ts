import { z } from 'zod'
import type { Framer } from '../../line/framing/framer.js'
import type { Link } from '../../line/link/link.js'
import type { Protocol, Reading } from '../protocol.js'
import { AUDIT, type AuditMoney, auditFields } from './audit-fields.js'
import { encodeBlock, readDexFrame } from './dex-frame.js'
import { DexFramer } from './dex-framer.js'
import { DexLink } from './dex-link.js'
import { readAuditFile } from './eva-dts.js'
import { writeAudit } from './write-audit.js'

/** How often a machine is audited, and what its amounts mean where it does not say so. */
export const dexSchema = z.strictObject({
  type: z.literal('dex'),
  /** Else the machine calls by itself, and is only answered; a command still calls it. */
  calls: z.boolean().default(true),
  everyMs: z.int().min(1000).max(86_400_000).default(900_000),
  communicationId: z
    .string()
    .regex(/^[0-9A-Z]{10}$/)
    .default('TILLBRIDGE'),
  /** ISO 4217; a machine that names another one is rejected. */
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .exactOptional(),
  decimals: z.int().min(0).max(4).exactOptional(),
})

/** Twice the longest block that the specification allows, and fillers. */
const MAX_FRAME_BYTES = 1024

/** EVA-DTS audit files over DEX/UCS. Source: EVA-DTS 6.2. */
export class Dex implements Protocol {
  readonly messages = [AUDIT]
  readonly link: Link<unknown>
  readonly #money: AuditMoney

  constructor(options: z.output<typeof dexSchema>) {
    this.#money = options
    this.link = new DexLink(options)
  }

  createFramer(): Framer {
    return new DexFramer(MAX_FRAME_BYTES)
  }

  /** The link puts the blocks of a file together: what it delivers looks like one long block. */
  read(payload: Uint8Array): Reading {
    const frame = readDexFrame(payload)
    if (frame?.type !== 'block' || frame.start !== 'STX')
      return { type: 'rejected', issue: 'expected an audit file' }
    const sets = readAuditFile(Buffer.from(frame.data).toString('latin1'))
    try {
      const messages = sets.map(set => ({
        name: AUDIT.name,
        fields: auditFields(set, this.#money),
      }))
      return { type: 'messages', messages }
    } catch (thrown) {
      if (!(thrown instanceof RangeError)) throw thrown
      return { type: 'rejected', message: AUDIT.name, issue: thrown.message }
    }
  }

  /** The whole file as one block; a machine cuts it into blocks of 245 bytes. */
  encode(message: string, values: Readonly<Record<string, unknown>>): Uint8Array {
    if (message !== AUDIT.name)
      throw new RangeError(`no message ${message}; there is ${AUDIT.name}`)
    const data = Buffer.from(writeAudit(values), 'latin1')
    return encodeBlock({ start: 'STX', data, last: true })
  }
}
