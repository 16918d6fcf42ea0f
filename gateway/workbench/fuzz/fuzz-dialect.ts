import { toHex } from '../../core/bytes.js'
import type { Clock } from '../../core/clock.js'
import { messageOf } from '../../core/errors.js'
import { LIMITS } from '../../core/limits.js'
import type { Random } from '../../core/random.js'
import type { FramerOutput } from '../../line/framing/framer.js'
import { type CaseFrame, deliveredBy } from '../../profile/cases.js'
import type { Capture, DecodedMessage, InterpretingDialect } from '../../profile/dialect.js'
import { damage, type Severity } from './damage.js'
import { moneyOf, statesAmount } from './money-of.js'

/** What came of so many damaged frames. */
export interface FuzzReport {
  /** Each ended in one of the following; or it is among `faultCount`, for nothing came of it. */
  readonly mutations: number
  /** No frame came out of the framer. */
  readonly discarded: number
  /** What came out says nothing to HQ. */
  readonly ignored: number
  /** Some was refused, and nothing was said. */
  readonly rejected: number
  /** All that was said is what an undamaged frame says. */
  readonly unharmed: number
  /** Something was said with an amount that no undamaged frame has, by what had happened to it. */
  readonly wrong: Readonly<Record<Severity, number>>
  readonly mutationsBy: Readonly<Record<Severity, number>>
  readonly peakBufferedBytes: number
  /** Longest time that one took. */
  readonly slowestMs: number
  /** What must never be, each with the bytes that show it; the first few. */
  readonly faults: readonly string[]
  readonly faultCount: number
}

/** One takes microseconds; nothing that waits so long is only slow. */
const HANG_MS = 2000
const KEPT_FAULTS = 5
/** Bits that are flipped to see what a dialect notices. */
const FLIPS = 2500

/**
 * Puts damaged frames to a dialect as a line would: framer, link and decoder. Whatever comes, none
 * of them throws, hangs, holds back more than a frame, loses a byte or makes one up.
 */
export function fuzzDialect(options: {
  readonly dialect: InterpretingDialect
  readonly frames: readonly CaseFrame[]
  readonly mutations: number
  readonly capture: Capture
  readonly random: Random
  readonly clock: Clock
}): FuzzReport {
  return new Fuzzer(options).run()
}

/** Whether no single flipped bit turns an amount into another one. */
export function noticesFlips(
  options: Omit<Parameters<typeof fuzzDialect>[0], 'mutations'>,
): boolean {
  return new Fuzzer({ ...options, mutations: 0 }).noticesFlips()
}

class Fuzzer {
  readonly #dialect: InterpretingDialect
  readonly #frames: readonly CaseFrame[]
  readonly #mutations: number
  readonly #capture: Capture
  readonly #random: Random
  readonly #clock: Clock
  /** The amounts that undamaged frames state, whatever was held when they came. */
  readonly #money: ReadonlySet<string>
  /** Whether the undamaged frame is accepted. */
  readonly #isSound: ReadonlyMap<CaseFrame, boolean>
  readonly #counts = { discarded: 0, ignored: 0, rejected: 0, unharmed: 0, faultCount: 0 }
  readonly #wrong = { single: 0, several: 0 }
  readonly #by = { single: 0, several: 0 }
  readonly #faults: string[] = []
  #peakBufferedBytes = 0
  #slowestMs = 0

  constructor(options: Parameters<typeof fuzzDialect>[0]) {
    const { dialect, frames, mutations, capture, random, clock } = options
    this.#dialect = dialect
    this.#frames = frames.filter(({ bytes }) => bytes.length > 0)
    this.#mutations = this.#frames.length === 0 ? 0 : mutations
    this.#capture = capture
    this.#random = random
    this.#clock = clock
    const helds = new Map(this.#frames.map(({ held }) => [held.map(toHex).join(), held]))
    this.#money = new Set(
      [...helds.values()].flatMap(held =>
        this.#frames.flatMap(({ bytes }) => this.#moneyOf(bytes, held)),
      ),
    )
    this.#isSound = new Map(this.#frames.map(frame => [frame, this.#isGood(frame)]))
  }

  run(): FuzzReport {
    for (let done = 0; done < this.#mutations; done += 1) this.#one()
    return {
      mutations: this.#mutations,
      ...this.#counts,
      wrong: { ...this.#wrong },
      mutationsBy: { ...this.#by },
      peakBufferedBytes: this.#peakBufferedBytes,
      slowestMs: this.#slowestMs,
      faults: this.#faults,
    }
  }

  noticesFlips(): boolean {
    const { single } = this.#wrong
    const stating = this.#frames.filter(frame => this.#isGood(frame) && this.#states(frame))
    for (let flip = 0; flip < FLIPS && stating.length > 0; flip += 1) {
      if (this.#wrong.single > single) return false
      const { bytes, held } = stating[flip % stating.length] ?? this.#pick()
      const bit = Math.floor(this.#random.unit() * 8 * bytes.length)
      const flipped = bytes.with(bit >> 3, (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7)))
      this.#judge({ severity: 'single', bytes: flipped, ...this.#hear(flipped, held) })
    }
    return stating.length > 0 && this.#wrong.single === single
  }

  #one(): void {
    const picked = this.#pick()
    const { bytes: frame, held } = picked
    const other = this.#pick().bytes
    const { bytes, ...done } = damage(frame, { other, random: this.#random })
    // One more change may put right the checksum of a case that shows a broken one.
    const severity = this.#isSound.get(picked) === true ? done.severity : 'several'
    this.#by[severity] += 1
    const startMs = this.#clock.monotonicMs()
    try {
      this.#judge({ severity, bytes, ...this.#hear(bytes, held) })
    } catch (thrown) {
      this.#fault(`threw ${messageOf(thrown)}`, bytes)
    }
    const tookMs = this.#clock.monotonicMs() - startMs
    this.#slowestMs = Math.max(this.#slowestMs, tookMs)
    if (tookMs > HANG_MS) this.#fault(`took ${Math.round(tookMs)} ms`, bytes)
  }

  #moneyOf(bytes: Uint8Array, held: readonly Uint8Array[]): readonly string[] {
    try {
      return this.#hear(bytes, held).messages.flatMap(moneyIn)
    } catch (thrown) {
      this.#fault(`threw ${messageOf(thrown)} at an undamaged frame`, bytes)
      return []
    }
  }

  #isGood({ bytes, held }: CaseFrame): boolean {
    try {
      const { messages } = this.#hear(bytes, held)
      return messages.length > 0 && messages.every(({ decoded }) => decoded.type !== 'rejected')
    } catch {
      // `#moneyOf` has said so.
      return false
    }
  }

  #states({ bytes, held }: CaseFrame): boolean {
    return this.#hear(bytes, held).messages.some(
      ({ decoded }) => decoded.type === 'events' && decoded.events.some(statesAmount),
    )
  }

  #pick(): CaseFrame {
    const frame = this.#frames[Math.floor(this.#random.unit() * this.#frames.length)]
    if (frame === undefined) throw new RangeError('there are frames')
    return frame
  }

  #judge(heard: {
    readonly severity: Severity
    readonly bytes: Uint8Array
    readonly messages: readonly DecodedMessage[]
    readonly out: number
  }): void {
    const { severity, bytes, messages, out } = heard
    if (out !== bytes.length) this.#fault(`${bytes.length} bytes in, ${out} out`, bytes)
    const said = messages.flatMap(moneyIn)
    const isRefused = messages.some(
      ({ decoded: { type } }) => type === 'rejected' || type === 'sensitive',
    )
    if (said.some(money => !this.#money.has(money))) this.#wrong[severity] += 1
    else if (said.length > 0) this.#counts.unharmed += 1
    else if (isRefused) this.#counts.rejected += 1
    else if (messages.length > 0) this.#counts.ignored += 1
    else this.#counts.discarded += 1
  }

  #hear(
    bytes: Uint8Array,
    held: readonly Uint8Array[],
  ): { readonly messages: readonly DecodedMessage[]; readonly out: number } {
    const framer = this.#dialect.createFramer()
    const outputs: FramerOutput[] = []
    const take = (given: readonly FramerOutput[]): void => {
      outputs.push(...given)
      this.#peakBufferedBytes = Math.max(this.#peakBufferedBytes, framer.bufferedBytes)
      if (framer.bufferedBytes > LIMITS.frameBytes)
        this.#fault(`${framer.bufferedBytes} bytes held back`, bytes)
    }
    for (let at = 0, size = 0; at < bytes.length; at += size) {
      size = 1 + Math.floor(this.#random.unit() * 64)
      take(framer.push(bytes.subarray(at, at + size)))
    }
    take(framer.idle())
    const own = outputs.flatMap(output => (output.type === 'frame' ? [output.payload] : []))
    const delivered = deliveredBy(this.#dialect.link, outputs)
    // What a link asked for nothing and therefore drops is put to the decoder all the same.
    const payloads = delivered.length > 0 ? delivered : own
    return {
      messages: payloads.map(one => this.#dialect.interpret(one, this.#capture, held)),
      out: outputs.reduce((sum, { raw }) => sum + raw.length, 0),
    }
  }

  #fault(what: string, bytes: Uint8Array): void {
    this.#counts.faultCount += 1
    if (this.#faults.length < KEPT_FAULTS)
      this.#faults.push(`${what}: ${toHex(bytes.subarray(0, 200))}`)
  }
}

function moneyIn({ decoded }: DecodedMessage): readonly string[] {
  return decoded.type === 'events' ? decoded.events.map(moneyOf) : []
}
