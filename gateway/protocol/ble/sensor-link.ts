import { equalBytes } from '../../core/bytes.js'
import type { Link, LinkInput, LinkStep } from '../../line/link/link.js'
import { unsupported } from '../../line/link/unsupported.js'

interface Said {
  readonly payload: Uint8Array
  readonly atMs: number
}

/** What each source said last and when, by what `sourceOf` makes of a payload. */
type SensorState = ReadonlyMap<string, Said>

/**
 * A sensor says the same many times a minute. Delivered is what differs from the last that was
 * delivered of its kind, and no oftener than every so long, unless it says that something
 * happened.
 */
export class SensorLink implements Link<SensorState> {
  readonly initial: SensorState = new Map()
  readonly answers = false
  readonly #options: SensorLinkOptions

  constructor(options: SensorLinkOptions) {
    this.#options = options
  }

  next(state: SensorState, input: LinkInput): LinkStep<SensorState> {
    if (input.type === 'commanded') return unsupported(state, input.command)
    if (input.type !== 'framed' || input.output.type !== 'frame') return { state, effects: [] }
    const { payload, raw } = input.output
    const { atMs } = input
    const { everyMs, sourceOf, isHappening } = this.#options
    const source = sourceOf(payload)
    const last = state.get(source)
    const isRepeat = last !== undefined && equalBytes(last.payload, payload)
    const isSoon = last !== undefined && atMs - last.atMs < everyMs
    if (isRepeat || (isSoon && !isHappening(payload))) return { state, effects: [] }
    return {
      state: new Map([...state, [source, { payload, atMs }]]),
      effects: [{ type: 'deliver', payload, raw }],
    }
  }
}

interface SensorLinkOptions {
  readonly everyMs: number
  /** Few and fixed: the state holds one payload for each. */
  readonly sourceOf: (payload: Uint8Array) => string
  readonly isHappening: (payload: Uint8Array) => boolean
}
