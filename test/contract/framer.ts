import type { Test } from 'tap'
import { concatBytes, equalBytes, toHex } from '../../gateway/core/bytes.js'
import { type Random, seededRandom } from '../../gateway/core/random.js'
import type { Framer, FramerOutput } from '../../gateway/line/framing/framer.js'
import { workOf } from './work.js'

export interface FramerSuite {
  readonly createFramer: () => Framer
  readonly encode: (payload: Uint8Array) => Uint8Array
  /** Several, different from each other. Their frames make the good streams. */
  readonly payloads: readonly Uint8Array[]
  readonly maxFrameBytes: number
  /** Whether frames carry a checksum that detects every single corrupted byte of these. */
  readonly detectsCorruption: boolean
  /** Whether silence is what ends a frame; else it only ends a burst. */
  readonly isEndedBySilence: boolean
  /** Bytes with a meaning to this framer: random streams are made of them. */
  readonly alphabet: Uint8Array
  /** What, repeated without end, costs it most. */
  readonly floods: readonly Uint8Array[]
}

/** What arrives between two silences. */
type Burst = Uint8Array
type Split = (burst: Burst) => readonly Uint8Array[]

const RANDOM_STREAMS = 120
const whole: Split = burst => [burst]
const bytewise: Split = burst => [...burst].map(byte => Uint8Array.of(byte))

/** What every framer promises; see `gateway/line/framing/framer.ts`. */
export function framerContract(t: Test, suite: FramerSuite): void {
  const seed = 20_261_122
  const frames = suite.payloads.map(suite.encode)
  const good = suite.isEndedBySilence ? frames : [concatBytes(frames)]

  t.test('frames come back as they were sent', async t => {
    const outputs = feed(suite, good, whole)
    t.same(payloadsOf(outputs), suite.payloads.map(toHex))
    t.equal(outputs.length, suite.payloads.length, 'and nothing else does')
  })

  t.test(`the chunking makes no difference (seed ${seed})`, async t => {
    const random = seededRandom(seed)
    const streams = [good, ...randomStreams(suite, random)]
    const splits = [bytewise, randomSplit(random)]
    const differing = streams.filter(bursts => {
      const expected = merged(feed(suite, bursts, whole)).join()
      return splits.some(split => merged(feed(suite, bursts, split)).join() !== expected)
    })
    t.same(differing.map(described), [])
  })

  t.test(`every byte comes out once, in order, from a bounded buffer (seed ${seed})`, async t => {
    const streams = [good, ...randomStreams(suite, seededRandom(seed))]
    t.same(
      streams.flatMap(bursts => accountingFaults(suite, bursts).slice(0, 1)),
      [],
    )
  })

  t.test(`silence empties the buffer (seed ${seed})`, async t => {
    const streams = randomStreams(suite, seededRandom(seed))
    const kept = streams.filter(bursts => {
      const framer = suite.createFramer()
      framer.push(concatBytes(bursts))
      framer.idle()
      return framer.bufferedBytes > 0 || framer.idle().length > 0
    })
    t.same(kept.map(described), [])
  })

  t.test('what came out does not change when the chunk is used again', async t => {
    const framer = suite.createFramer()
    const [chunk = Uint8Array.of()] = good
    const reused = Uint8Array.from(chunk)
    const outputs = [...framer.push(reused)]
    reused.fill(0xff)
    outputs.push(...framer.idle())
    t.equal(toHex(concatBytes(outputs.map(output => output.raw))), toHex(chunk))
  })

  t.test('a byte that is lost or corrupted costs its own frame and no other', async t => {
    if (!suite.detectsCorruption) return
    const faults = frames.flatMap((frame, hit) =>
      [...frame.keys()].flatMap(position => corruptionFaults(suite, { frames, hit, position })),
    )
    t.same(faults.slice(0, 3), [])
  })

  t.test('the work grows as the flood does', async t => {
    for (const pattern of suite.floods)
      for (const chunkBytes of [64, Number.MAX_SAFE_INTEGER]) {
        const few = floodWork(suite, { pattern, chunkBytes, frames: 40 })
        const many = floodWork(suite, { pattern, chunkBytes, frames: 320 })
        t.ok(
          many < few * 12,
          `${toHex(pattern)}: ${few} byte steps, with eight times as much ${many}`,
        )
      }
  })
}

function feed(suite: FramerSuite, bursts: readonly Burst[], split: Split): readonly FramerOutput[] {
  const framer = suite.createFramer()
  return bursts.flatMap(burst => [
    ...split(burst).flatMap(chunk => framer.push(chunk)),
    ...framer.idle(),
  ])
}

function payloadsOf(outputs: readonly FramerOutput[]): readonly string[] {
  return outputs.flatMap(output => (output.type === 'frame' ? [toHex(output.payload)] : []))
}

/** Garbage may come out in as many pieces as it came in: pieces beside each other count as one. */
function merged(outputs: readonly FramerOutput[]): readonly string[] {
  const lines: string[] = []
  let previous = ''
  for (const output of outputs) {
    const kind = output.type === 'frame' ? 'frame' : output.reason
    const isContinued = kind === previous && kind !== 'frame'
    const before = isContinued ? (lines.pop() ?? '') : `${kind} `
    lines.push(before + toHex(output.raw))
    previous = kind
  }
  return lines
}

/** Good frames, pieces of frames, and bytes that mean something where they do not belong. */
function randomStreams(suite: FramerSuite, random: Random): readonly (readonly Burst[])[] {
  const below = (limit: number): number => Math.floor(random.unit() * limit)
  const piece = (): Uint8Array => {
    const frame = suite.encode(suite.payloads[below(suite.payloads.length)] ?? Uint8Array.of(1))
    const kind = below(5)
    if (kind === 0) return random.bytes(below(12))
    if (kind === 1) return frame.subarray(below(frame.length), below(frame.length) + 1)
    if (kind === 2) return frame
    const length = below(2 * suite.maxFrameBytes)
    const letter = (): number => suite.alphabet[below(suite.alphabet.length)] ?? 0
    return kind === 3 ? Uint8Array.from({ length }, letter) : new Uint8Array(length).fill(letter())
  }
  const burst = (): Burst => concatBytes(Array.from({ length: 1 + below(6) }, piece))
  return Array.from({ length: RANDOM_STREAMS }, () => Array.from({ length: 1 + below(3) }, burst))
}

function randomSplit(random: Random): Split {
  return burst => {
    const chunks: Uint8Array[] = []
    for (let at = 0; at < burst.length; at += chunks.at(-1)?.length ?? 1)
      chunks.push(burst.subarray(at, at + 1 + Math.floor(random.unit() * 9)))
    return chunks
  }
}

/** Byte by byte, as nothing shows an account that is out for a moment better. */
function accountingFaults(suite: FramerSuite, bursts: readonly Burst[]): readonly string[] {
  const framer = suite.createFramer()
  const out: Uint8Array[] = []
  const faults: string[] = []
  let [bytesIn, bytesOut] = [0, 0]
  const account = (outputs: readonly FramerOutput[]): void => {
    for (const { raw } of outputs) {
      out.push(raw)
      bytesOut += raw.length
      if (raw.length === 0) faults.push('an empty output')
    }
    const buffered = framer.bufferedBytes
    if (bytesOut + buffered !== bytesIn) faults.push(`${bytesIn} in, ${bytesOut} out, ${buffered}`)
    if (buffered > suite.maxFrameBytes) faults.push(`${buffered} bytes buffered`)
  }
  for (const burst of bursts) {
    for (const byte of burst) {
      bytesIn += 1
      account(framer.push(Uint8Array.of(byte)))
    }
    account(framer.idle())
  }
  if (!equalBytes(concatBytes(out), concatBytes(bursts)))
    faults.push('other bytes, or out of order')
  return faults.map(fault => `${fault}: ${described(bursts)}`)
}

/** One byte of one frame, as every value that it can be corrupted to, and missing. */
function corruptionFaults(
  suite: FramerSuite,
  place: {
    readonly frames: readonly Uint8Array[]
    readonly hit: number
    readonly position: number
  },
): readonly string[] {
  const { frames, hit, position } = place
  const expected = suite.payloads.filter((_, index) => index !== hit).map(toHex)
  const original = frames[hit]?.[position] ?? 0
  const others = Array.from({ length: 255 }, (_, index) => Uint8Array.of(original ^ (index + 1)))
  return [Uint8Array.of(), ...others].flatMap(instead => {
    const damaged = frames.map((frame, index) => {
      if (index !== hit) return frame
      return concatBytes([frame.subarray(0, position), instead, frame.subarray(position + 1)])
    })
    const bursts = suite.isEndedBySilence ? damaged : [concatBytes(damaged)]
    const got = payloadsOf(feed(suite, bursts, whole))
    if (got.join() === expected.join()) return []
    return [`frame ${hit}, byte ${position}: ${described(bursts)} gave ${got}`]
  })
}

function described(bursts: readonly Burst[]): string {
  return bursts.map(toHex).join(' silence ')
}

function floodWork(
  suite: FramerSuite,
  flood: { readonly pattern: Uint8Array; readonly chunkBytes: number; readonly frames: number },
): number {
  const length = flood.frames * suite.maxFrameBytes
  const repeats = Math.ceil(length / flood.pattern.length)
  const bytes = concatBytes(Array.from({ length: repeats }, () => flood.pattern))
  const framer = suite.createFramer()
  return workOf(() => {
    for (let at = 0; at < bytes.length; at += flood.chunkBytes)
      framer.push(bytes.subarray(at, at + flood.chunkBytes))
  })
}
