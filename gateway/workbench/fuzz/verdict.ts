import type { AnyDialectFile } from '../../profile/load.js'
import type { FuzzReport } from './fuzz-dialect.js'

/**
 * What a dialect promises to notice. `crc`: any damage but one in 2^16 of random ones; `byte`: each
 * single changed byte, of more of them all but one in 256 (the floor of an XOR or a sum of one
 * byte); `none`: it has neither checksum nor cross-check.
 */
export type Guard = 'crc' | 'byte' | 'none'

/**
 * As its file declares it. Of a language that brings its own frames it is seen: `flipsNoticed` says
 * whether no flipped bit has changed an amount.
 */
export function guardOf(file: AnyDialectFile, flipsNoticed: () => boolean): Guard {
  if ('protocol' in file) return flipsNoticed() ? 'byte' : 'none'
  const { framing } = file
  if (framing.type === 'delimited' || framing.checksum === 'none') return 'none'
  return framing.checksum.startsWith('CRC-16/') ? 'crc' : 'byte'
}

/** Shares of damaged frames that chance lets pass, with room for the luck of a run. */
const FLOORS = { crc: 2 / 65_536, byte: 2 / 256 } as const
const LUCK = 3

/** Why a run is not good enough; nothing where it is. */
export function complaintsOf(report: FuzzReport, guard: Guard): readonly string[] {
  const { faults, faultCount, wrong, mutationsBy } = report
  const broken = faultCount > 0 ? [`${faultCount} faults, such as ${faults[0]}`] : []
  if (guard === 'none') return broken
  const allowed = LUCK + mutationsBy.several * FLOORS[guard]
  return [
    ...broken,
    ...(wrong.single > 0 ? [`${wrong.single} wrong amounts from one changed byte`] : []),
    ...(wrong.several > allowed
      ? [`${wrong.several} wrong amounts of ${mutationsBy.several}, more than chance allows`]
      : []),
  ]
}
