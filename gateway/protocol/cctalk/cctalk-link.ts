import { concatBytes, equalBytes } from '../../core/bytes.js'
import type { Link, LinkCommand, LinkEffect, LinkInput, LinkStep } from '../../line/link/link.js'
import { unsupported } from '../../line/link/unsupported.js'
import { readEventBuffer } from './cctalk-events.js'
import { type CctalkChecksum, encodePacket, HOST, readPacket } from './cctalk-packet.js'

export interface CctalkLinkOptions {
  readonly address: number
  readonly checksum: CctalkChecksum
  /** Asks for the event buffer: 229 for coins, 159 for bills. */
  readonly pollHeader: number
  readonly everyMs: number
  readonly replyWithinMs: number
}

export interface CctalkState {
  readonly phase: 'resting' | 'polling' | 'commanding'
  readonly missed: number
  /** The answer of before; none since the line was opened. */
  readonly last: Uint8Array | undefined
  readonly commands: readonly LinkCommand[]
}

type Step = LinkStep<CctalkState>

/** Modify master inhibit status: 1 takes money, 0 gives it back. */
const MASTER_INHIBIT = 228
const VERBS: Readonly<Record<string, number>> = { enable: 1, disable: 0 }
const ABSENT_AFTER = 10
const ABSENT_SLOWDOWN = 10

/**
 * The host of a ccTalk device: polls for events, and delivers an answer that tells of new ones
 * behind the one before it. On the one data line the host hears itself, too: what is not
 * addressed to it is no answer. Source: protocols.md 11.
 */
export class CctalkLink implements Link<CctalkState> {
  readonly initial: CctalkState = { phase: 'resting', missed: 0, last: undefined, commands: [] }
  readonly answers = false
  readonly #options: CctalkLinkOptions

  constructor(options: CctalkLinkOptions) {
    this.#options = options
  }

  next(state: CctalkState, input: LinkInput): Step {
    switch (input.type) {
      case 'opened':
        return this.#ask({ ...this.initial })
      case 'elapsed':
        return state.phase === 'resting' ? this.#ask(state) : this.#missed(state)
      case 'framed':
        return input.output.type === 'frame'
          ? this.#heard(state, input.output.payload)
          : { state, effects: [] }
      case 'settled':
        return { state, effects: [] }
      case 'commanded':
        return input.command.verb in VERBS
          ? { state: { ...state, commands: [...state.commands, input.command] }, effects: [] }
          : unsupported(state, input.command)
    }
  }

  #ask(state: CctalkState): Step {
    const [command] = state.commands
    if (command === undefined)
      return this.#request({ ...state, phase: 'polling' }, [this.#options.pollHeader])
    const value = VERBS[command.verb] ?? 0
    return this.#request({ ...state, phase: 'commanding' }, [MASTER_INHIBIT, value])
  }

  #request(state: CctalkState, [header = 0, ...data]: readonly number[]): Step {
    const { address, checksum, replyWithinMs } = this.#options
    const packet = { destination: address, source: HOST, header, data: Uint8Array.from(data) }
    const bytes = encodePacket(packet, checksum)
    return { state, effects: [{ type: 'write', bytes, replyWithinMs }] }
  }

  #missed(state: CctalkState): Step {
    const missed = state.missed + 1
    const afterMs = this.#options.everyMs * (missed >= ABSENT_AFTER ? ABSENT_SLOWDOWN : 1)
    const silent: readonly LinkEffect[] = missed === ABSENT_AFTER ? [{ type: 'silent' }] : []
    const [command, ...commands] = state.commands
    const isCommand = state.phase === 'commanding' && command !== undefined
    const detail = 'the device did not answer'
    const outcome = { type: 'failed', reason: 'unknown', detail } as const
    const answered: readonly LinkEffect[] = isCommand
      ? [{ type: 'answered', id: command.id, outcome }]
      : []
    const kept = isCommand ? commands : state.commands
    const rest = resting({ ...state, missed, commands: kept }, afterMs)
    const count: LinkEffect = { type: 'count', counter: 'timeout' }
    return { state: rest.state, effects: [count, ...silent, ...answered, ...rest.effects] }
  }

  #heard(state: CctalkState, payload: Uint8Array): Step {
    const { address, checksum, everyMs } = this.#options
    const { destination, source = address, header, data } = readPacket(payload, checksum)
    const isAnswer = destination === HOST && source === address && header === 0
    if (!isAnswer) return { state, effects: [] }
    if (state.phase === 'resting') return { state, effects: [{ type: 'count', counter: 'late' }] }
    const answered = { ...state, missed: 0 }
    if (state.phase === 'commanding') return this.#carriedOut(answered)
    if (readEventBuffer(data) === undefined) return resting(answered, everyMs)
    const { last } = state
    const rest = resting({ ...answered, last: payload }, everyMs)
    if (last === undefined || equalBytes(last, payload)) return rest
    const joined = concatBytes([last, payload])
    const deliver: LinkEffect = { type: 'deliver', payload: joined, raw: joined }
    return { state: rest.state, effects: [deliver, ...rest.effects] }
  }

  #carriedOut(state: CctalkState): Step {
    const [command, ...commands] = state.commands
    const rest = resting({ ...state, commands }, this.#options.everyMs)
    if (command === undefined) return rest
    const outcome = { type: 'successful', values: {} } as const
    return {
      state: rest.state,
      effects: [{ type: 'answered', id: command.id, outcome }, ...rest.effects],
    }
  }
}

function resting(state: CctalkState, afterMs: number): Step {
  return {
    state: { ...state, phase: 'resting' },
    effects: [{ type: 'release' }, { type: 'timer', afterMs }],
  }
}
