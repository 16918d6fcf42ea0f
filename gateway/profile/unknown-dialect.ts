import type { Framer } from '../line/framing/framer.js'
import { IdleGapFramer } from '../line/framing/idle-gap.js'
import type { Link } from '../line/link/link.js'
import { unsolicitedLink } from '../line/link/unsolicited.js'
import type { Decoded, Dialect, LineSettings } from './dialect.js'
import { NO_COMMANDS } from './dialect-command.js'
import { NO_DOCUMENTS } from './dialect-documents.js'
import type { ProfileFile } from './schema.js'

const LINE = { baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 } as const
const IDLE_MS = 200

/**
 * A terminal of a known model whose firmware nobody has described. What comes between two silences
 * is kept as a rejected frame; nothing is decoded, asked or acknowledged, so a terminal that waits
 * for an answer keeps its message. The line is set as for the model's other firmware, and its card
 * data feared as there.
 */
export class UnknownDialect implements Dialect {
  readonly id: string
  readonly line: LineSettings
  readonly idleMs: number
  readonly cardData: boolean
  readonly greeting = new Uint8Array(0)
  readonly link: Link<unknown> = unsolicitedLink
  readonly commands = NO_COMMANDS
  readonly documents = NO_DOCUMENTS
  readonly gathers = false
  readonly doubt: string

  constructor(options: {
    readonly profile: ProfileFile
    /** Those of its other firmware. */
    readonly dialects: readonly Dialect[]
    readonly reason: string
  }) {
    const { profile, dialects, reason } = options
    this.id = `${profile.vendor}/${profile.model}-unknown@0`
    this.line = dialects[0]?.line ?? LINE
    this.idleMs = dialects[0]?.idleMs ?? IDLE_MS
    this.cardData = dialects.length === 0 || dialects.some(({ cardData }) => cardData)
    this.doubt = `TB_FIRMWARE_UNKNOWN: ${reason}`
  }

  createFramer(): Framer {
    return new IdleGapFramer({
      type: 'idle-gap',
      checksum: 'none',
      checksumEndian: 'big',
      maxFrameBytes: 4096,
    })
  }

  decode(): Decoded {
    return { type: 'rejected', issues: [this.doubt] }
  }

  isUnfinished(): boolean {
    return false
  }

  encode(message: string): Uint8Array {
    throw new RangeError(`no message ${message}: ${this.doubt}`)
  }
}
