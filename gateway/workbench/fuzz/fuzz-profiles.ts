import type { Clock } from '../../core/clock.js'
import { seededRandom } from '../../core/random.js'
import { framesOf } from '../../profile/cases.js'
import { createDialect } from '../../profile/create-dialect.js'
import type { ProfileFiles } from '../../profile/load.js'
import { captureNow } from '../explain.js'
import { type FuzzReport, fuzzDialect, noticesFlips } from './fuzz-dialect.js'
import { complaintsOf, type Guard, guardOf } from './verdict.js'

/** How one dialect stood damage. */
export interface DialectFuzz {
  /** `vendor/dialect` */
  readonly name: string
  readonly guard: Guard
  readonly report: FuzzReport
  /** None where it is good enough. */
  readonly complaints: readonly string[]
}

/** Damages the frames of each dialect's cases, so many times; the same seed, the same damage. */
export function* fuzzProfiles(options: {
  readonly files: ProfileFiles
  readonly mutations: number
  readonly seed: number
  readonly clock: Clock
}): Generator<DialectFuzz, void, undefined> {
  const { files, mutations, seed, clock } = options
  for (const [name, { value }] of files.dialects) {
    const cases = files.cases.get(name)?.value
    if (cases === undefined) continue
    const dialect = createDialect(value)
    const frames = framesOf(dialect, cases)
    const capture = captureNow(cases.timeZone)
    const subject = { dialect, frames, capture, clock }
    const report = fuzzDialect({ ...subject, mutations, random: seededRandom(seed) })
    const guard = guardOf(value, () => noticesFlips({ ...subject, random: seededRandom(seed) }))
    yield { name, guard, report, complaints: complaintsOf(report, guard) }
  }
}

const PROMISES: Readonly<Record<Guard, string>> = {
  crc: 'a CRC notices all but 1 in 65 536 of several changes',
  byte: 'each changed byte is noticed, of several changes all but 1 in 256 or what adds up',
  none: 'it has no check of amounts that it could be held to',
}

export function fuzzLines({ name, guard, report, complaints }: DialectFuzz): readonly string[] {
  const { mutations, discarded, ignored, rejected, unharmed, wrong, mutationsBy } = report
  return [
    `${name}: ${mutations} damaged frames, ${report.faultCount} faults; ` +
      `${discarded} discarded, ${ignored} ignored, ${rejected} rejected, ${unharmed} unharmed, ` +
      `${wrong.single + wrong.several} wrong`,
    `  wrong amounts: ${wrong.single} of ${mutationsBy.single} with one byte changed, ` +
      `${wrong.several} of ${mutationsBy.several} with more (${PROMISES[guard]})`,
    `  most held back ${report.peakBufferedBytes} bytes, slowest ${report.slowestMs.toFixed(1)} ms`,
    ...complaints.map(complaint => `  NOT GOOD ENOUGH: ${complaint}`),
  ]
}
