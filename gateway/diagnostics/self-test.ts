import { concatBytes } from '../core/bytes.js'
import { type Clock, type MonotonicMs, rfc3339 } from '../core/clock.js'
import { LIMITS } from '../core/limits.js'
import type { Random } from '../core/random.js'
import { canonicalJson } from '../event/canonical-json.js'
import type { EventData } from '../event/event.js'
import type { Connection, Transport } from '../line/transport/transport.js'

const STX = 0x02
const ETX = 0x03
const ACK = 0x06
/** Between looks whether HQ has confirmed it. */
const LOOK_MS = 250
/** Time the gateway has to answer before it is told again; it may be opening the line still. */
const AGAIN_MS = 2_000

export type SelfTestVerdict =
  /**
   * All that the shop alone can prove is proven. `busy`: HQ was taking what came before it, `away`:
   * nobody there answered.
   */
  | {
      readonly type: 'fit'
      readonly headquarters: 'confirmed' | 'busy' | 'away'
      readonly tookMs: number
    }
  /** `lies`: it acknowledged what it did not keep. */
  | { readonly type: 'unfit'; readonly lies: boolean; readonly reason: string }

/** What stands in the journal, and whether HQ has it. */
export interface Kept {
  readonly data: EventData<'gateway.self-tested'>
  readonly isConfirmed: () => boolean
  /** What HQ has to confirm first; it only becomes less. */
  readonly pendingBefore: () => number
}

export interface SelfTestOptions {
  /** The terminal's end of a line on which the gateway listens as on any other. */
  readonly line: Transport
  readonly software: string
  /** Time in all; for what needs no HQ there is less (LIMITS.selfTestMs). */
  readonly withinMs: number
  /** What the journal gives back of it; nothing: it is not there. */
  readonly kept: (word: string) => Promise<Kept | undefined>
  /** The disk would take a sale: where it is full, no version could keep one. */
  readonly hasRoom: () => Promise<boolean>
  /** HQ's receipts come: it is its own fault, or ours, where ours is missing. */
  readonly isHqAnswering: () => boolean
  readonly clock: Clock
  readonly random: Random
}

/**
 * A terminal of our own says once what takes the road of a sale: bytes, framer, dialect, journal,
 * acknowledgement, HQ's receipt. It spells its message without the codecs that it judges.
 */
export class SelfTest {
  readonly #options: SelfTestOptions

  constructor(options: SelfTestOptions) {
    this.#options = options
  }

  /**
   * `onHonest` is called once what it acknowledges is proven to be kept, or it has acknowledged
   * nothing for a while. Nothing comes back where the signal aborts first.
   */
  async run(signal: AbortSignal, onHonest: () => void): Promise<SelfTestVerdict | undefined> {
    const { clock, software, random } = this.#options
    const startMs = clock.monotonicMs()
    const word = Buffer.from(random.bytes(8)).toString('hex')
    const meant = {
      software,
      word,
      lineItems: [
        item({ lineNumber: 1, quantity: '2.500', amountMinor: 1_234 }),
        item({ lineNumber: 2, quantity: '-1', amountMinor: -234 }),
      ],
      totalMinor: 1_000,
    }
    const cancel = clock.after(LIMITS.selfTestSilentMs, onHonest)
    const isAcknowledged = await this.#say(this.#frameOf(meant), signal)
    if (signal.aborted) return undefined
    if (!isAcknowledged) return unfit('a sale is not acknowledged')
    cancel()
    const kept = await this.#options.kept(word)
    if (kept === undefined) return lying('a sale was acknowledged and is not in the journal')
    if (canonicalJson(kept.data) !== canonicalJson(meant))
      return lying('a sale stands in the journal otherwise than it was said')
    onHonest()
    return this.#confirmed(kept, { startMs, signal })
  }

  #frameOf({ software, word, lineItems, totalMinor }: Kept['data']): Uint8Array {
    const day = rfc3339(this.#options.clock.wallMs(), 'UTC').slice(0, 10).replaceAll('-', '')
    const items = lineItems.map(({ plu, description, quantity, amountMinor }) =>
      [plu, description, quantity, inMajorUnits(amountMinor)].join(';'),
    )
    const parts = ['TEST', day, word, software, items.length, ...items, inMajorUnits(totalMinor)]
    const body = Buffer.concat([Buffer.from(parts.join('|'), 'latin1'), Buffer.from([ETX])])
    const lrc = body.reduce((sum, byte) => sum ^ byte, 0)
    return concatBytes([Uint8Array.of(STX), body, Uint8Array.of(lrc)])
  }

  /** Until it is acknowledged; what is repeated is known as such. A full disk takes no time. */
  async #say(frame: Uint8Array, signal: AbortSignal): Promise<boolean> {
    const { clock, line, hasRoom } = this.#options
    const connection = await line.connect(signal)
    const heard = new AbortController()
    const listening = hear(connection, () => heard.abort())
    const over = AbortSignal.any([signal, heard.signal])
    for (let leftMs = LIMITS.selfTestMs; !over.aborted && leftMs > 0; ) {
      await connection.write(frame)
      await clock.sleep(AGAIN_MS, over)
      if (over.aborted || (await hasRoom())) leftMs -= AGAIN_MS
    }
    await connection.close()
    await listening
    return heard.signal.aborted
  }

  /** A HQ that does not answer proves nothing; one that answers and confirms nothing more does. */
  async #confirmed(
    kept: Kept,
    test: { readonly startMs: MonotonicMs; readonly signal: AbortSignal },
  ): Promise<SelfTestVerdict | undefined> {
    const { clock, withinMs, isHqAnswering } = this.#options
    const { startMs, signal } = test
    let pending = kept.pendingBefore()
    /** It answers, and has confirmed nothing since then. */
    let silence: { readonly sinceMs: MonotonicMs; readonly wasBusy: boolean } | undefined
    while (!signal.aborted) {
      const nowMs = clock.monotonicMs()
      const tookMs = Math.round(nowMs - startMs)
      if (kept.isConfirmed()) return { type: 'fit', headquarters: 'confirmed', tookMs }
      const before = pending
      pending = kept.pendingBefore()
      if (!isHqAnswering()) silence = undefined
      else if (pending < before) silence = { sinceMs: nowMs, wasBusy: true }
      else silence ??= { sinceMs: nowMs, wasBusy: false }
      if (tookMs >= withinMs) {
        if (silence === undefined) return { type: 'fit', headquarters: 'away', tookMs }
        if (nowMs - silence.sinceMs >= LIMITS.selfTestAnsweringMs)
          return unfit('HQ answers, and does not confirm a sale')
        if (silence.wasBusy) return { type: 'fit', headquarters: 'busy', tookMs }
      }
      await clock.sleep(LOOK_MS, signal)
    }
    return undefined
  }
}

function item(
  one: Pick<Kept['data']['lineItems'][number], 'lineNumber' | 'quantity' | 'amountMinor'>,
): Kept['data']['lineItems'][number] {
  return { ...one, plu: String(1000 + one.lineNumber), description: 'Self-test' }
}

/** `-234` is `-2.34`. */
function inMajorUnits(amountMinor: number): string {
  const digits = String(Math.abs(amountMinor)).padStart(3, '0')
  return `${amountMinor < 0 ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`
}

async function hear(connection: Connection, onAck: () => void): Promise<void> {
  for await (const { bytes } of connection) if (bytes.includes(ACK)) onAck()
}

function unfit(reason: string): SelfTestVerdict {
  return { type: 'unfit', lies: false, reason }
}

function lying(reason: string): SelfTestVerdict {
  return { type: 'unfit', lies: true, reason }
}
