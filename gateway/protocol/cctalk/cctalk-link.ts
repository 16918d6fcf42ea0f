import { concatBytes, equalBytes } from '../../core/bytes.js'
import type { MonotonicMs } from '../../core/clock.js'
import { LIMITS } from '../../core/limits.js'
import {
  type Link,
  type LinkCommand,
  type LinkEffect,
  type LinkInput,
  type LinkStep,
  stillDue,
} from '../../line/link/link.js'
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
  readonly commands: readonly Command[]
}

/** What is still to be asked of the device for a command: headers, each with its data. */
interface Command extends Pick<LinkCommand, 'id' | 'untilMs'> {
  readonly requests: readonly Request[]
}

type Request = readonly [header: number, ...data: readonly number[]]

type Step = LinkStep<CctalkState>

/**
 * 231 lets each coin or bill in, 228 the device as a whole: many wake up with both shut. The single
 * ones stay as they are when it is shut again.
 */
const VERBS: Readonly<Record<string, readonly Request[]>> = {
  enable: [
    [231, 0xff, 0xff],
    [228, 1],
  ],
  disable: [[228, 0]],
}
const ABSENT_AFTER = 10
const ABSENT_SLOWDOWN = 10

/**
 * The host of a ccTalk device: polls for events, and delivers an answer that tells of new ones
 * behind the one before it. On the one data line the host hears itself, too: what is not
 * addressed to it is no answer. Source: ccTalk generic specification.
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
        return state.phase === 'resting' ? this.#askDue(state, input.atMs) : this.#missed(state)
      case 'framed':
        return input.output.type === 'frame'
          ? this.#heard(state, input.output.payload)
          : { state, effects: [] }
      case 'settled':
        return { state, effects: [] }
      case 'commanded': {
        const { id, verb, untilMs } = input.command
        const requests = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined
        if (requests === undefined) return unsupported(state, input.command)
        if (state.commands.length >= LIMITS.linkQueueFrames) return crowded(state, id)
        const waiting = { id, requests, ...(untilMs === undefined ? {} : { untilMs }) }
        return { state: { ...state, commands: [...state.commands, waiting] }, effects: [] }
      }
    }
  }

  /** Of what waits some may be too old by now. */
  #askDue(state: CctalkState, atMs: MonotonicMs): Step {
    const { due, told } = stillDue(state.commands, atMs)
    const step = this.#ask({ ...state, commands: due })
    return { state: step.state, effects: [...told, ...step.effects] }
  }

  #ask(state: CctalkState): Step {
    const request = state.commands[0]?.requests[0]
    return request === undefined
      ? this.#request({ ...state, phase: 'polling' }, [this.#options.pollHeader])
      : this.#request({ ...state, phase: 'commanding' }, request)
  }

  #request(state: CctalkState, [header, ...data]: Request): Step {
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
    const [command, ...others] = state.commands
    const { everyMs } = this.#options
    if (command === undefined) return resting(state, everyMs)
    const requests = command.requests.slice(1)
    // What has begun is finished, however late it is.
    if (requests.length > 0)
      return resting({ ...state, commands: [{ id: command.id, requests }, ...others] }, everyMs)
    const rest = resting({ ...state, commands: others }, everyMs)
    const outcome = { type: 'successful', values: {} } as const
    return {
      state: rest.state,
      effects: [{ type: 'answered', id: command.id, outcome }, ...rest.effects],
    }
  }
}

function crowded(state: CctalkState, id: string): Step {
  const outcome = { type: 'failed', reason: 'rejected', detail: 'too many wait before it' } as const
  return { state, effects: [{ type: 'answered', id, outcome }] }
}

function resting(state: CctalkState, afterMs: number): Step {
  return {
    state: { ...state, phase: 'resting' },
    effects: [{ type: 'release' }, { type: 'timer', afterMs }],
  }
}
