import { CHECKSUM_BYTES } from '../../line/checksum/catalog.js'
import { createFramer, type FramingOptions } from '../../line/framing/catalog.js'
import { candidatesFor } from './candidates.js'

export interface FoundFrame {
  readonly payload: Uint8Array
  readonly raw: Uint8Array
}

/** A framing, how well it fits, and why one may believe it. */
export interface Proposal {
  readonly framing: FramingOptions
  readonly frames: readonly FoundFrame[]
  /** Of the bytes that came, those that stand in a frame. */
  readonly share: number
  /** `proven`: chance fits this less than once in 2^32; `likely`: all have marks; else `guess`. */
  readonly confidence: 'proven' | 'likely' | 'guess'
  readonly evidence: readonly string[]
}

const PROVEN_BITS = 32
/** Broken frames are part of life; a checksum that fits the others is none the less proven. */
const PROVEN_SHARE = 0.6
const LIKELY_SHARE = 0.9
const MANY_BURSTS = 4

/** What fits best first; each is our own framer put to the bytes, so what it says it will do. */
export function proposeFramings(bursts: readonly Uint8Array[]): readonly Proposal[] {
  const proposals = candidatesFor(bursts)
    .map(framing => judge(framing, bursts))
    .filter(({ frames }) => frames.length > 0)
  return proposals.sort((left, right) => scoreOf(right) - scoreOf(left))
}

function judge(framing: FramingOptions, bursts: readonly Uint8Array[]): Proposal {
  const framer = createFramer(framing)
  const frames: FoundFrame[] = []
  let endings = 0
  for (const burst of bursts) {
    const outputs = [...framer.push(burst), ...framer.idle()]
    for (const output of outputs) if (output.type === 'frame') frames.push(output)
    if (outputs.at(-1)?.type === 'frame') endings += 1
  }
  const total = bursts.reduce((sum, burst) => sum + burst.length, 0)
  const framed = frames.reduce((sum, { raw }) => sum + raw.length, 0)
  const share = total === 0 ? 0 : framed / total
  const bits = checksumBits(framing) * new Set(frames.map(textOf)).size
  // Where silences do not tell frames apart, lengths that end right may be chance.
  const isCounted = variesInLength(frames) && bursts.length >= MANY_BURSTS
  const isMarked = marksOf(framing) > 0 || (framing.type === 'length-prefixed' && isCounted)
  const isProven = bits >= PROVEN_BITS && share >= PROVEN_SHARE
  const isLikely = frames.length > 2 && share >= LIKELY_SHARE && isMarked
  return {
    framing,
    frames,
    share,
    confidence: isProven ? 'proven' : isLikely ? 'likely' : 'guess',
    evidence: [
      `${frames.length} frames hold ${(share * 100).toFixed(1)} % of ${total} bytes`,
      `${endings} of ${bursts.length} bursts end with a frame`,
      ...(bits > 0
        ? [`the checksum fits each: chance would once in 2^${Math.min(bits, 999)}`]
        : []),
    ],
  }
}

/** What is proven before what covers more; then marks on both sides, then the simpler one. */
function scoreOf({ framing, confidence, share, frames }: Proposal): number {
  const sure = { proven: 1000, likely: 0, guess: -60 }[confidence]
  const idle = framing.type === 'idle-gap' ? -30 : 0
  const length = framing.type === 'length-prefixed' ? lengthScore(framing, frames) : 0
  return sure + 100 * share + 2 * marksOf(framing) + idle + length
}

/** A length that never changes proves nothing; that one counts more which needs no correction. */
function lengthScore(
  { adjust }: { readonly adjust: number },
  frames: readonly FoundFrame[],
): number {
  return (variesInLength(frames) ? 5 : -25) - Math.abs(adjust)
}

function variesInLength(frames: readonly FoundFrame[]): boolean {
  return new Set(frames.map(({ raw }) => raw.length)).size > 1
}

function checksumBits(framing: FramingOptions): number {
  const { checksum = 'none' } = framing
  return checksum === 'none' ? 0 : 8 * CHECKSUM_BYTES[checksum]
}

/** Bytes that begin and end a frame. */
function marksOf(framing: FramingOptions): number {
  switch (framing.type) {
    case 'stx-etx':
      return framing.dle ? 4 : 2
    case 'delimited': {
      const [first = ''] = [framing.delimiters].flat()
      return ((framing.start ?? '').length + (framing.end ?? '').length + first.length) / 2
    }
    case 'length-prefixed':
      return (
        ((framing.start ?? '').length + (framing.end ?? '').length + (framing.tail ?? '').length) /
        2
      )
    case 'idle-gap':
      return 0
  }
}

function textOf({ raw }: FoundFrame): string {
  return Buffer.from(raw).toString('latin1')
}
