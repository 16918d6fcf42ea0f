import { concatBytes } from '../../core/bytes.js'
import type { MonotonicMs } from '../../core/clock.js'
import { LIMITS } from '../../core/limits.js'
import type { FramerOutput } from '../../line/framing/framer.js'
import type { Link, LinkEffect, LinkInput, LinkStep } from '../../line/link/link.js'
import { unsupported } from '../../line/link/unsupported.js'
import {
  CONTROLS,
  type Control,
  type DexFrame,
  ETX,
  encodeHandshake,
  readDexFrame,
  readHandshake,
  STX,
} from './dex-frame.js'

export interface DexLinkOptions {
  /** Else the machine calls by itself, and is only answered. */
  readonly calls: boolean
  /** From the end of one session to the next call. */
  readonly everyMs: number
  /** What we call ourselves: ten characters. */
  readonly communicationId: string
}

/** What we wait for. */
type Phase =
  /** Nothing, until it is time to call; a machine that calls is answered. */
  | 'resting'
  /** First handshake, we lead: ACK0 to our ENQ, ACK1 to our request, then its ENQ. */
  | 'calling'
  | 'requesting'
  | 'turning'
  /** Second handshake, it leads: its response, its EOT. */
  | 'hearing-response'
  | 'ending-response'
  /** First handshake, it leads: its request, its EOT. */
  | 'hearing-request'
  | 'ending-request'
  /** Second handshake, we lead: the pause, ACK0 to our ENQ, ACK1 to our response. */
  | 'pausing'
  | 'responding'
  | 'confirming'
  /** Data: its ENQ, its blocks, the journal, its EOT. */
  | 'awaiting-data'
  | 'receiving'
  | 'settling'
  | 'ending'

export interface DexState {
  readonly phase: Phase
  /** Goes out when the line has turned round. */
  readonly outgoing: Uint8Array | undefined
  /** What was answered last: an ENQ asks for it again. */
  readonly answer: Control
  readonly blocks: readonly Uint8Array[]
  /** Files that are being settled still, of sessions that are over, too. */
  readonly unsettled: number
  /** Of the session: its begin, its last good frame, its last NAK. */
  readonly startedMs: MonotonicMs
  readonly heardMs: MonotonicMs
  readonly nakMs: MonotonicMs
  /** ENQs without an answer, or NAKs, in a row. */
  readonly tries: number
  /** Sessions that came to nothing, in a row. */
  readonly missed: number
  /** A command that waits for this session. */
  readonly command: string | undefined
}

type Step = LinkStep<DexState>

// EVA-DTS 6.2: an answer not before 10 ms and within 950; timer A 1 s, D 2 s, a session 60 s.
const TURN_MS = 10
const ANSWER_MS = 950
const CALL_MS = 1000
const WAIT_MS = 2200
const SESSION_MS = 60_000
const BETWEEN_SESSIONS_MS = 150
const BUSY_MS = 300
const TRIES = 5
/** From a session that came to nothing to the next call. */
const AGAIN_MS = 10_000
const ABSENT_AFTER = 3
/** Pieces of one broken block come out closer together than two blocks can. */
const SAME_BLOCK_MS = 15

/**
 * A data collector's side of DEX/UCS: calls the machine, or answers its call, and collects its
 * audit file. The file is delivered whole, as one block, and the last block is acknowledged only
 * when it is in the journal. Source: EVA-DTS 6.2.
 */
export class DexLink implements Link<DexState> {
  readonly initial: DexState = {
    phase: 'resting',
    outgoing: undefined,
    answer: 'ACK0',
    blocks: [],
    unsettled: 0,
    startedMs: 0,
    heardMs: 0,
    nakMs: Number.NEGATIVE_INFINITY,
    tries: 0,
    missed: 0,
    command: undefined,
  }
  readonly answers = true
  readonly #calls: boolean
  readonly #everyMs: number
  readonly #request: Uint8Array
  readonly #response: Uint8Array

  constructor({ calls, everyMs, communicationId }: DexLinkOptions) {
    const identity = { communicationId, revision: 'R01', level: 'L01' }
    this.#calls = calls
    this.#everyMs = everyMs
    this.#request = encodeHandshake({ type: 'request', operation: 'R', ...identity })
    this.#response = encodeHandshake({ type: 'response', responseCode: '00', ...identity })
  }

  next(state: DexState, input: LinkInput): Step {
    switch (input.type) {
      case 'opened':
        return { state: this.initial, effects: [timer(BETWEEN_SESSIONS_MS)] }
      case 'elapsed':
        return this.#elapsed(state, input.atMs)
      case 'framed':
        return this.#framed(state, input)
      case 'settled':
        return this.#settled(state, input)
      case 'commanded':
        return this.#commanded(state, input)
    }
  }

  #commanded(state: DexState, input: Extract<LinkInput, { type: 'commanded' }>): Step {
    const { command, atMs } = input
    if (command.verb !== 'audit') return unsupported(state, command)
    if (state.phase === 'resting') return this.#call({ ...state, command: command.id }, atMs)
    const detail = 'a session is under way'
    const outcome = { type: 'failed', reason: 'rejected', detail } as const
    return { state, effects: [{ type: 'answered', id: command.id, outcome }] }
  }

  #elapsed(state: DexState, atMs: MonotonicMs): Step {
    const { phase, outgoing } = state
    if (outgoing !== undefined)
      return {
        state: { ...state, outgoing: undefined },
        effects: [{ type: 'write', bytes: outgoing, replyWithinMs: waitOf(phase) }],
      }
    if (phase === 'resting') return this.#calls ? this.#call(state, atMs) : { state, effects: [] }
    if (phase === 'pausing') return say({ ...state, phase: 'responding' }, CONTROLS.ENQ)
    const isAsking = phase === 'calling' || phase === 'responding'
    if (isAsking && state.tries < TRIES)
      return counted(say({ ...state, tries: state.tries + 1 }, CONTROLS.ENQ), 'timeout')
    return counted(this.#failed(state), 'timeout')
  }

  #call(state: DexState, atMs: MonotonicMs): Step {
    return say({ ...state, phase: 'calling', tries: 1, startedMs: atMs }, CONTROLS.ENQ)
  }

  #framed(state: DexState, input: { output: FramerOutput; atMs: MonotonicMs }): Step {
    const { output, atMs } = input
    if (output.type === 'discarded')
      return output.reason === 'noise' ? { state, effects: [] } : this.#broken(state, atMs)
    const frame = readDexFrame(output.payload)
    if (frame === undefined) return { state, effects: [] }
    const heard = { ...state, heardMs: atMs }
    if (state.phase === 'resting') return this.#called(heard, frame)
    if (atMs - state.startedMs > SESSION_MS) return this.#failed(state)
    return frame.type === 'control'
      ? this.#control(heard, frame.control)
      : this.#block(heard, frame)
  }

  /** The machine wants to tell something by itself. */
  #called(state: DexState, frame: DexFrame): Step {
    if (frame.type !== 'control' || frame.control !== 'ENQ') return { state, effects: [] }
    return reply({ ...state, phase: 'hearing-request', startedMs: state.heardMs }, 'ACK0')
  }

  #control(state: DexState, control: Control): Step {
    const { phase } = state
    switch (control) {
      case 'ENQ':
        return this.#asked(state)
      case 'EOT':
        return this.#ended(state)
      case 'ACK0':
        // Behind an ENQ of its own it answers ours after all: then it is we who lead.
        if (phase === 'calling' || phase === 'hearing-request')
          return say({ ...state, phase: 'requesting' }, this.#request)
        if (phase === 'responding') return say({ ...state, phase: 'confirming' }, this.#response)
        return { state, effects: [] }
      case 'ACK1':
        if (phase === 'requesting') return say({ ...state, phase: 'turning' }, CONTROLS.EOT)
        if (phase === 'confirming') return say({ ...state, phase: 'awaiting-data' }, CONTROLS.EOT)
        return { state, effects: [] }
      case 'NAK':
        return this.#repeat(state)
      case 'WACK':
        return this.#postponed(state)
    }
  }

  #repeat(state: DexState): Step {
    const { phase } = state
    if (phase !== 'requesting' && phase !== 'confirming') return { state, effects: [] }
    const tries = state.tries + 1
    if (tries > TRIES) return this.#failed(state)
    return say({ ...state, tries }, phase === 'requesting' ? this.#request : this.#response)
  }

  /** It is busy, and is asked again. */
  #postponed(state: DexState): Step {
    const { phase } = state
    const isOurs = phase === 'calling' || phase === 'requesting'
    if (!isOurs && phase !== 'responding' && phase !== 'confirming') return { state, effects: [] }
    const asking = { ...state, phase: isOurs ? 'calling' : 'responding', tries: 1 } as const
    return say(asking, CONTROLS.ENQ, BUSY_MS)
  }

  /** An ENQ: the begin of its turn, or the question for an answer that was lost. */
  #asked(state: DexState): Step {
    switch (state.phase) {
      case 'calling':
        return reply({ ...state, phase: 'hearing-request' }, 'ACK0')
      case 'turning':
        return reply({ ...state, phase: 'hearing-response', tries: 0 }, 'ACK0')
      case 'awaiting-data':
        return reply({ ...state, phase: 'receiving', blocks: [], tries: 0 }, 'ACK0')
      case 'settling':
        return reply(state, 'WACK', state.answer)
      case 'hearing-request':
      case 'hearing-response':
      case 'ending-request':
      case 'ending-response':
      case 'receiving':
      case 'ending':
        return reply(state, state.answer)
      default:
        return { state, effects: [] }
    }
  }

  #ended(state: DexState): Step {
    switch (state.phase) {
      case 'ending-request':
        return waiting({ ...state, phase: 'pausing', tries: 1 }, BETWEEN_SESSIONS_MS)
      case 'ending-response':
        return waiting({ ...state, phase: 'awaiting-data' }, WAIT_MS)
      case 'ending':
        return this.#rest({ ...state, missed: 0 }, { type: 'successful', values: {} })
      default:
        return this.#failed(state)
    }
  }

  #block(state: DexState, frame: Extract<DexFrame, { type: 'block' }>): Step {
    const { phase } = state
    if (frame.start === 'SOH') {
      const handshake = readHandshake(frame.data)
      if (phase === 'hearing-request' && handshake?.type === 'request')
        return reply({ ...state, phase: 'ending-request', tries: 0 }, 'ACK1')
      if (phase !== 'hearing-response' || handshake?.type !== 'response')
        return { state, effects: [] }
      if (handshake.responseCode !== '00') return this.#failed(state)
      return reply({ ...state, phase: 'ending-response', tries: 0 }, 'ACK1')
    }
    if (phase !== 'receiving') return { state, effects: [] }
    const received = { ...state, blocks: [...state.blocks, frame.data], tries: 0 }
    const bytes = received.blocks.reduce((sum, { length }) => sum + length, 0)
    // What is too long is no audit, and is read as none: it must not come again and again.
    if (!frame.last && bytes < LIMITS.auditBytes) return reply(received, toggled(state.answer))
    const payload = concatBytes([Uint8Array.of(STX), ...received.blocks, Uint8Array.of(ETX)])
    return {
      state: { ...received, phase: 'settling', unsettled: state.unsettled + 1 },
      effects: [{ type: 'deliver', payload, raw: payload }, timer(SESSION_MS)],
    }
  }

  #settled(before: DexState, input: Extract<LinkInput, { type: 'settled' }>): Step {
    const state = { ...before, unsettled: before.unsettled - 1 }
    // In order: with another one behind it, it is the file of a session that is over.
    if (state.phase !== 'settling' || state.unsettled > 0)
      return { state, effects: [{ type: 'count', counter: 'late' }] }
    if (input.outcome === 'refused')
      return counted(
        say({ ...state, phase: 'receiving', blocks: state.blocks.slice(0, -1) }, CONTROLS.NAK),
        'nak',
      )
    const ending = { ...state, phase: 'ending', blocks: [], answer: toggled(state.answer) } as const
    // The machine waits no longer: it will ask for the answer with an ENQ.
    if (input.atMs - state.heardMs > ANSWER_MS) return waiting(ending, WAIT_MS)
    return reply(ending, ending.answer)
  }

  #broken(state: DexState, atMs: MonotonicMs): Step {
    const isExpected =
      state.phase === 'receiving' ||
      state.phase === 'hearing-request' ||
      state.phase === 'hearing-response'
    if (!isExpected || atMs - state.nakMs < SAME_BLOCK_MS) return { state, effects: [] }
    if (state.tries >= TRIES) return this.#failed(state)
    const naked = { ...state, nakMs: atMs, tries: state.tries + 1 }
    return counted(say(naked, CONTROLS.NAK), 'nak')
  }

  #failed(state: DexState): Step {
    const missed = state.missed + 1
    const detail = `no audit: the session ended while ${state.phase}`
    const rest = this.#rest({ ...state, missed }, { type: 'failed', reason: 'timeout', detail })
    const silent: readonly LinkEffect[] = missed === ABSENT_AFTER ? [{ type: 'silent' }] : []
    return { state: rest.state, effects: [...silent, ...rest.effects] }
  }

  #rest(state: DexState, outcome: Extract<LinkEffect, { type: 'answered' }>['outcome']): Step {
    const { command, missed, unsettled } = state
    const isTriedSoon = missed > 0 && missed < ABSENT_AFTER
    const afterMs = isTriedSoon ? Math.min(AGAIN_MS, this.#everyMs) : this.#everyMs
    const answered: readonly LinkEffect[] =
      command === undefined ? [] : [{ type: 'answered', id: command, outcome }]
    return {
      state: { ...this.initial, missed, unsettled },
      effects: [...answered, { type: 'release' }, timer(afterMs)],
    }
  }
}

function waitOf(phase: Phase): number {
  if (phase === 'settling') return SESSION_MS
  return phase === 'calling' || phase === 'responding' ? CALL_MS : WAIT_MS
}

function toggled(answer: Control): Control {
  return answer === 'ACK0' ? 'ACK1' : 'ACK0'
}

/** Once the line has turned round. */
function say(state: DexState, outgoing: Uint8Array, afterMs = TURN_MS): Step {
  return { state: { ...state, outgoing }, effects: [timer(afterMs)] }
}

/** `remembered`: what an ENQ gets again, where that is not what is said now. */
function reply(state: DexState, control: Control, remembered = control): Step {
  return say({ ...state, answer: remembered }, CONTROLS[control])
}

function waiting(state: DexState, afterMs: number): Step {
  return { state: { ...state, outgoing: undefined }, effects: [timer(afterMs)] }
}

function counted(step: Step, counter: 'nak' | 'timeout'): Step {
  return { state: step.state, effects: [{ type: 'count', counter }, ...step.effects] }
}

function timer(afterMs: number): LinkEffect {
  return { type: 'timer', afterMs }
}
