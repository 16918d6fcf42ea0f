import { equalBytes } from '../../core/bytes.js'
import type { Link, LinkInput, LinkStep } from '../../line/link/link.js'
import { unsupported } from '../../line/link/unsupported.js'

interface Said {
  readonly payload: Uint8Array
  readonly atMs: number
}

interface SensorState<Memory> {
  /** What each source said last and when, by what `sourceOf` makes of a payload. */
  readonly said: ReadonlyMap<string, Said>
  readonly memory: Memory
}

/**
 * A sensor says the same many times a minute. Delivered is what differs from the last that was
 * delivered of its kind, and no oftener than every so long, unless it says that something
 * happened. `Memory` is what tells a repeat from news where the payload alone does not.
 */
export class SensorLink<Memory = undefined> implements Link<SensorState<Memory>> {
  readonly initial: SensorState<Memory>
  readonly answers = false
  readonly #options: SensorLinkOptions<Memory>

  constructor(options: SensorLinkOptions<Memory>) {
    this.#options = options
    this.initial = { said: new Map(), memory: options.memory }
  }

  next(state: SensorState<Memory>, input: LinkInput): LinkStep<SensorState<Memory>> {
    if (input.type === 'commanded') return unsupported(state, input.command)
    if (input.type !== 'framed' || input.output.type !== 'frame') return { state, effects: [] }
    const { payload, raw } = input.output
    const { atMs } = input
    const { everyMs, sourceOf, isHappening, hear } = this.#options
    const heard = hear === undefined ? state : hear(state.memory, { payload, atMs })
    if (heard === undefined) return { state, effects: [] }
    const { memory } = heard
    const { said } = state
    const source = sourceOf(payload)
    const last = said.get(source)
    const isRepeat = last !== undefined && equalBytes(last.payload, payload)
    const isSoon = last !== undefined && atMs - last.atMs < everyMs
    if (isRepeat || (isSoon && !isHappening(payload)))
      return { state: { said, memory }, effects: [] }
    return {
      state: { said: new Map([...said, [source, { payload, atMs }]]), memory },
      effects: [{ type: 'deliver', payload, raw }],
    }
  }
}

interface SensorLinkOptions<Memory> {
  readonly memory: Memory
  /** Undefined for what was heard before. */
  readonly hear?: (
    memory: Memory,
    heard: { readonly payload: Uint8Array; readonly atMs: number },
  ) => { readonly memory: Memory } | undefined
  readonly everyMs: number
  /** Few and fixed: the state holds one payload for each. */
  readonly sourceOf: (payload: Uint8Array) => string
  readonly isHappening: (payload: Uint8Array) => boolean
}
