import { z } from 'zod'
import { DelimitedFramer, encodeDelimited } from '../../line/framing/delimited.js'
import { encodeIdleGap, IdleGapFramer } from '../../line/framing/idle-gap.js'
import { unsolicitedLink } from '../../line/link/unsolicited.js'
import type { Protocol, Reading } from '../protocol.js'
import { readScan, SCAN_MESSAGES, scanOf } from './scan.js'

const MAX_FRAME_BYTES = 4096

export const aimLinesSchema = z.strictObject({
  type: z.literal('aim-lines'),
  /**
   * What the scanner sends behind the data. `crlf`: CR LF as one, so that CR alone is data. `any`:
   * CR, LF or both. `none`: silence ends a scan.
   */
  suffix: z.enum(['any', 'cr', 'lf', 'crlf', 'tab', 'none']).default('any'),
})

type Suffix = z.output<typeof aimLinesSchema>['suffix']

const DELIMITERS: Readonly<Record<Exclude<Suffix, 'none'>, string | string[]>> = {
  any: ['0d', '0a'],
  cr: '0d',
  lf: '0a',
  crlf: '0d0a',
  tab: '09',
}

/** `]`, the two characters of the symbology identifier, the data. */
const LINE = /^\]([A-Za-z][0-9A-Za-z])(.*)$/s

/** A scanner that sends AIM symbology identifiers in front of its data (ISO/IEC 15424). */
export function aimLines({ suffix }: z.output<typeof aimLinesSchema>): Protocol {
  const maxFrameBytes = MAX_FRAME_BYTES
  return {
    messages: SCAN_MESSAGES,
    link: unsolicitedLink,
    createFramer: () =>
      suffix === 'none'
        ? new IdleGapFramer({ type: 'idle-gap', ...NO_CHECKSUM, maxFrameBytes })
        : new DelimitedFramer({ ...delimited(suffix), maxFrameBytes }),
    read: readAimLine,
    encode: (message, values) => {
      const { symbology, text } = scanOf(message, values)
      const line = Buffer.from(`]${symbology}${text}`, 'latin1')
      return suffix === 'none'
        ? encodeIdleGap({ type: 'idle-gap', ...NO_CHECKSUM, maxFrameBytes }, line)
        : encodeDelimited({ ...delimited(suffix), maxFrameBytes }, line)
    },
  }
}

const NO_CHECKSUM = { checksum: 'none', checksumEndian: 'big' } as const

function delimited(suffix: Exclude<Suffix, 'none'>) {
  return { type: 'delimited', delimiters: DELIMITERS[suffix] } as const
}

/** What has no identifier is refused: nothing tells a GTIN from any other eight digits. */
export function readAimLine(payload: Uint8Array): Reading {
  const [, symbology, text = ''] = LINE.exec(Buffer.from(payload).toString('latin1')) ?? []
  if (symbology === undefined)
    return { type: 'rejected', issue: 'expected a symbology identifier such as ]E0' }
  return readScan({ symbology, text })
}
