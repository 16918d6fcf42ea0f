import type { Test } from 'tap'
import { type Clock, systemClock } from '../../gateway/core/clock.js'
import { storeId, terminalId } from '../../gateway/core/ids.js'
import { type Random, seededRandom } from '../../gateway/core/random.js'
import { dataDigest, type Event } from '../../gateway/event/event.js'
import type { Capture, Decoded, Dialect } from '../../gateway/profile/dialect.js'

/** What a test of one dialect brings along. */
export interface DialectSubject {
  readonly dialect: Dialect
  readonly message: string
  /** Values of one message, another each time. */
  sample(random: Random): Readonly<Record<string, unknown>>
  /** The money or weight that an event states: what may never come out wrong. */
  stated(event: Event): string
  /** The same of the values that were encoded. */
  expected(values: Readonly<Record<string, unknown>>): string
  /** What is held when the message comes, where it is read by what came before. */
  held?(values: Readonly<Record<string, unknown>>): readonly Uint8Array[]
  /** The terminal numbers its messages: a repeat has the same id. */
  readonly keyed: boolean
  /**
   * What its checks promise to notice: `any` damage, or a `single` changed byte (an LRC alone lets
   * some pairs of errors through), or none where there is neither checksum nor cross-check.
   */
  readonly notices: 'any' | 'single' | 'none'
  /** One changed byte is noticed even where the checksum let it through. */
  readonly crossChecked: boolean
}

const NOON_MS = Date.UTC(2026, 10, 22, 12)
const MONTHS_LATER_MS = Date.UTC(2027, 1, 2, 12)

/** A capture at one moment. Two moments give two ids, unless the terminal has its own. */
export function captureAt(wallMs: number): Capture {
  const clock: Clock = { ...systemClock, wallMs: () => wallMs }
  return {
    store: storeId('store-001'),
    terminal: terminalId('till-1'),
    timeZone: 'Europe/Berlin',
    clockState: 'synced',
    clock,
    random: seededRandom(wallMs % 1_000_003),
  }
}

/** Everything the frames of these bytes mean, given to the framer in chunks of any size. */
function hear(
  dialect: Dialect,
  options: {
    readonly bytes: Uint8Array
    readonly random: Random
    readonly wallMs?: number
    readonly held: readonly Uint8Array[]
  },
): readonly Decoded[] {
  const { bytes, random, held, wallMs = NOON_MS } = options
  const framer = dialect.createFramer()
  const outputs = []
  for (let at = 0, size = 0; at < bytes.length; at += size) {
    size = 1 + Math.floor(random.unit() * 40)
    outputs.push(...framer.push(bytes.subarray(at, at + size)))
  }
  outputs.push(...framer.idle())
  return outputs
    .filter(output => output.type === 'frame')
    .map(frame => dialect.decode(frame.payload, captureAt(wallMs), held))
}

/** A Dialect writes what it reads; a repeat is recognisable; damage never becomes another amount. */
export function dialectContract(t: Test, subject: DialectSubject, seed: number): void {
  const { dialect, message } = subject
  t.test(`${dialect.id} ${message}: round trip`, async t => {
    const random = seededRandom(seed)
    const wrong: unknown[] = []
    for (let round = 0; round < 150; round += 1) {
      const values = subject.sample(random)
      const bytes = dialect.encode(message, values)
      const held = subject.held?.(values) ?? []
      const [first, ...others] = hear(dialect, { bytes, random, held })
      const [again] = hear(dialect, { bytes, random, held, wallMs: MONTHS_LATER_MS })
      const event = first?.type === 'events' ? first.events[0] : undefined
      const repeat = again?.type === 'events' ? again.events[0] : undefined
      const isRight =
        event !== undefined &&
        repeat !== undefined &&
        others.length === 0 &&
        subject.stated(event) === subject.expected(values) &&
        dataDigest(event) === dataDigest(repeat) &&
        (event.id === repeat.id) === subject.keyed
      if (!isRight) wrong.push({ values, first })
    }
    t.strictSame(wrong.slice(0, 1), [], `seed ${seed}`)
  })
  if (subject.notices !== 'none')
    damageContract(t, { subject, seed, name: 'on the line', inflict: damageOnTheLine })
  if (subject.crossChecked)
    damageContract(t, { subject, seed, name: 'behind the checksum', inflict: damageBehindIt })
}

/** What a terminal's message means after damage. */
type Inflict = (
  subject: DialectSubject,
  options: {
    readonly frame: Uint8Array
    readonly random: Random
    readonly held: readonly Uint8Array[]
  },
) => readonly Decoded[]

const DAMAGED_FRAMES = 1200

function damageContract(
  t: Test,
  options: {
    readonly subject: DialectSubject
    readonly seed: number
    readonly name: string
    readonly inflict: Inflict
  },
): void {
  const { subject, seed, name, inflict } = options
  const { dialect, message } = subject
  t.test(`${dialect.id} ${message}: damage ${name} states no wrong amount`, async t => {
    const random = seededRandom(seed + 1)
    const counts = { discarded: 0, ignored: 0, rejected: 0, unharmed: 0 }
    const wrong: unknown[] = []
    for (let round = 0; round < DAMAGED_FRAMES; round += 1) {
      const values = subject.sample(random)
      const held = subject.held?.(values) ?? []
      const decoded = inflict(subject, { frame: dialect.encode(message, values), random, held })
      if (decoded.length === 0) counts.discarded += 1
      for (const one of decoded) {
        if (one.type === 'ignored') counts.ignored += 1
        if (one.type === 'rejected') counts.rejected += 1
        if (one.type !== 'events') continue
        const states = (event: Event) => subject.stated(event) === subject.expected(values)
        if (one.events.every(states)) counts.unharmed += 1
        else wrong.push({ values, events: one.events })
      }
    }
    t.comment(`seed ${seed}: ${DAMAGED_FRAMES} damaged frames: ${JSON.stringify(counts)}`)
    t.strictSame(wrong.slice(0, 1), [], `${wrong.length} wrong amounts, seed ${seed}`)
    t.ok(counts.discarded + counts.rejected > 0, 'some damage is noticed')
  })
}

const damageOnTheLine: Inflict = ({ dialect, notices }, { frame, random, held }) => {
  const bytes = damage(frame, { random, single: notices === 'single' })
  return hear(dialect, { bytes, random, held })
}

const damageBehindIt: Inflict = ({ dialect }, { frame, random, held }) => {
  const [output] = dialect.createFramer().push(frame)
  if (output?.type !== 'frame') throw new RangeError('the dialect reads what it writes')
  const payload = damage(output.payload, { random, single: true })
  return [dialect.decode(payload, captureAt(NOON_MS), held)]
}

/** As lines damage bytes: one to three changed, a bit flipped, one lost, one doubled. */
export function damage(
  frame: Uint8Array,
  options: { readonly random: Random; readonly single: boolean },
): Uint8Array {
  const { random, single } = options
  const bytes = [...frame]
  const pick = () => Math.floor(random.unit() * bytes.length)
  const kind = random.unit()
  if (kind < 0.1) bytes.splice(pick(), 1)
  else if (kind < 0.2) bytes.splice(pick(), 0, bytes[pick()] ?? 0)
  else {
    const times = single ? 1 : 1 + Math.floor(random.unit() * 3)
    for (let time = 0; time < times; time += 1) {
      const at = pick()
      // Half the time a digit comes out: the damage that is hardest to see.
      const digit = 0x30 + Math.floor(random.unit() * 10)
      const flipped = (bytes[at] ?? 0) ^ (1 << Math.floor(random.unit() * 8))
      bytes[at] = random.unit() < 0.5 ? digit : flipped
    }
  }
  return Uint8Array.from(bytes)
}
