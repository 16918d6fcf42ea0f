import { concatBytes, equalBytes } from '../../core/bytes.js'
import type { MonotonicMs } from '../../core/clock.js'
import { LIMITS } from '../../core/limits.js'
import {
  type CommandOutcome,
  type Link,
  type LinkCommand,
  type LinkEffect,
  type LinkInput,
  type LinkStep,
  stillDue,
} from '../../line/link/link.js'
import { unsupported } from '../../line/link/unsupported.js'
import { answers } from './blocks.js'
import { type Pdu, readPdu, writePdu } from './pdu.js'
import { exceptionText, writeRequest } from './reading.js'
import type { Register } from './register-schema.js'

/** Something that is asked again and again; once, where `everyMs` is infinite. */
export interface Question {
  readonly pdu: Pdu
  readonly everyMs: number
  readonly onlyChanges: boolean
}

export interface ModbusLinkOptions {
  readonly unit: number
  readonly questions: readonly Question[]
  readonly registers: readonly Register[]
  readonly replyWithinMs: number
  readonly absentAfter: number
  readonly absentEveryMs: number
  /** The frame that carries address and PDU. */
  readonly seal: (message: Uint8Array) => Uint8Array
}

interface Command extends Pick<LinkCommand, 'id' | 'values' | 'untilMs'> {
  readonly pdu: Pdu
}

/** What is out, and waits for its answer. */
type Asked = {
  /** Address and PDU as they were sent. */
  readonly message: Uint8Array
  readonly pdu: Pdu
  /** Its own bytes came back, which for some writes is what an answer looks like. */
  readonly isEchoed: boolean
} & (
  | { readonly type: 'question'; readonly index: number }
  | { readonly type: 'command'; readonly command: Command }
)

export interface ModbusState {
  readonly asked: Asked | undefined
  readonly dueMs: readonly MonotonicMs[]
  readonly missed: number
  readonly commands: readonly Command[]
  /** What each question was answered with last. */
  readonly answers: readonly (Uint8Array | undefined)[]
  /** Whether the adapter hears what it sends. */
  readonly echo: 'unknown' | 'heard' | 'none'
}

/** An answer that did not come, or a device that is busy: asked again so soon. */
const AGAIN_MS = 1000
/** Acknowledge, and busy: the question was good, the moment was not. */
const TRANSIENT: ReadonlySet<number> = new Set([5, 6])
/** Function, register or value that the device does not have: it never will. */
const FINAL: ReadonlySet<number> = new Set([1, 2, 3])

/**
 * The asking side of Modbus. One question at a time; what does not answer it by address, function,
 * length and place came too late for another one and counts for nothing. Delivers a question with
 * its answer, since registers do not say where they stand.
 */
export class ModbusLink implements Link<ModbusState> {
  readonly initial: ModbusState
  readonly answers = false
  readonly #options: ModbusLinkOptions

  constructor(options: ModbusLinkOptions) {
    this.#options = options
    this.initial = {
      asked: undefined,
      dueMs: options.questions.map(() => 0),
      missed: 0,
      commands: [],
      answers: options.questions.map(() => undefined),
      echo: 'unknown',
    }
  }

  next(state: ModbusState, input: LinkInput): LinkStep<ModbusState> {
    switch (input.type) {
      case 'opened':
        return this.#ask(this.initial, 0)
      case 'elapsed':
        if (state.asked === undefined) return this.#ask(state, input.atMs)
        return this.#missed(state, { asked: state.asked, atMs: input.atMs })
      case 'framed':
        if (input.output.type !== 'frame') return { state, effects: [] }
        return this.#heard(state, { payload: input.output.payload, atMs: input.atMs })
      case 'settled':
        return { state, effects: [] }
      case 'commanded':
        return this.#commanded(state, input)
    }
  }

  // Before it is known whether the adapter hears itself, an echo would pass for a write's answer.
  #ask(before: ModbusState, atMs: MonotonicMs): LinkStep<ModbusState> {
    const { due, told } = stillDue(before.commands, atMs)
    const step = this.#askNext({ ...before, commands: due }, atMs)
    return { state: step.state, effects: [...told, ...step.effects] }
  }

  #askNext(state: ModbusState, atMs: MonotonicMs): LinkStep<ModbusState> {
    const [command, ...commands] = state.echo === 'unknown' ? [] : state.commands
    if (command !== undefined)
      return this.#send({ ...state, commands }, { type: 'command', command, pdu: command.pdu })
    const nextMs = Math.min(...state.dueMs)
    const index = state.dueMs.indexOf(nextMs)
    const question = this.#options.questions[index]
    if (question !== undefined && nextMs <= atMs)
      return this.#send(state, { type: 'question', index, pdu: question.pdu })
    const afterMs = Math.max(1, nextMs - atMs)
    const timer: readonly LinkEffect[] =
      nextMs === Number.POSITIVE_INFINITY ? [] : [{ type: 'timer', afterMs }]
    return { state: { ...state, asked: undefined }, effects: timer }
  }

  #send(
    state: ModbusState,
    what:
      | { readonly type: 'question'; readonly index: number; readonly pdu: Pdu }
      | { readonly type: 'command'; readonly command: Command; readonly pdu: Pdu },
  ): LinkStep<ModbusState> {
    const { unit, seal, replyWithinMs } = this.#options
    const message = concatBytes([Uint8Array.of(unit), writePdu(what.pdu)])
    return {
      state: { ...state, asked: { ...what, message, isEchoed: false } },
      effects: [{ type: 'write', bytes: seal(message), replyWithinMs }],
    }
  }

  #heard(
    state: ModbusState,
    { payload, atMs }: { readonly payload: Uint8Array; readonly atMs: MonotonicMs },
  ): LinkStep<ModbusState> {
    const { asked } = state
    if (asked === undefined) return late(state)
    const begins = equalBytes(payload.subarray(0, asked.message.length), asked.message)
    const isRepeated = begins && payload.length === asked.message.length
    const isEcho = isRepeated && (asked.pdu.type !== 'one' || this.#isEcho(state, asked))
    if (isEcho)
      return {
        state: { ...state, echo: 'heard', asked: { ...asked, isEchoed: true } },
        effects: [],
      }
    const answer = begins && !isRepeated ? payload.subarray(asked.message.length) : payload
    const reply = readPdu(answer.subarray(1), 'reply')
    if (answer[0] !== this.#options.unit || !reply.ok || !answers(asked.pdu, reply.value))
      return late(state)
    // Once heard it stays: an echo that was garbled must not make the next one an answer.
    const isHeard = state.echo === 'heard' || asked.isEchoed || (begins && !isRepeated)
    const echo = isHeard ? 'heard' : 'none'
    const known = { ...state, missed: 0, echo } as const
    return this.#answered(known, { asked, reply: reply.value, answer, atMs })
  }

  #isEcho(state: ModbusState, asked: Asked): boolean {
    return state.echo === 'heard' && !asked.isEchoed
  }

  #answered(
    state: ModbusState,
    what: {
      readonly asked: Asked
      readonly reply: Pdu
      readonly answer: Uint8Array
      readonly atMs: MonotonicMs
    },
  ): LinkStep<ModbusState> {
    const { asked, reply, answer, atMs } = what
    if (asked.type === 'command') {
      const isDone = reply.type !== 'exception'
      const outcome: CommandOutcome = isDone
        ? { type: 'successful', values: asked.command.values }
        : { type: 'failed', reason: 'rejected', detail: exceptionText(reply.exception) }
      // What was set is read back at once.
      const dueMs = isDone
        ? state.dueMs.map(ms => (Number.isFinite(ms) ? Math.min(ms, atMs) : ms))
        : state.dueMs
      return this.#goOn(
        { ...state, dueMs },
        { atMs, effects: [answeredBy(asked.command, outcome)] },
      )
    }
    const { everyMs = 0, onlyChanges = false } = this.#options.questions[asked.index] ?? {}
    const code = reply.type === 'exception' ? reply.exception : 0
    const last = state.answers[asked.index]
    const isNews =
      !TRANSIENT.has(code) && (!onlyChanges || last === undefined || !equalBytes(last, answer))
    const payload = concatBytes([asked.message, answer])
    const deliver: readonly LinkEffect[] = isNews
      ? [{ type: 'deliver', payload, raw: payload }]
      : []
    return this.#goOn(
      {
        ...state,
        dueMs: state.dueMs.with(asked.index, atMs + waitAfter(code, everyMs)),
        answers: state.answers.with(asked.index, answer),
      },
      { atMs, effects: deliver },
    )
  }

  #missed(
    state: ModbusState,
    { asked, atMs }: { readonly asked: Asked; readonly atMs: MonotonicMs },
  ): LinkStep<ModbusState> {
    const { absentAfter, absentEveryMs, questions } = this.#options
    const missed = state.missed + 1
    const isAbsent = missed >= absentAfter
    const detail = 'no answer; it may have been set'
    const failed =
      asked.type === 'command'
        ? [answeredBy(asked.command, { type: 'failed', reason: 'unknown', detail })]
        : []
    const everyMs = asked.type === 'question' ? (questions[asked.index]?.everyMs ?? 0) : 0
    const dueMs =
      asked.type === 'question'
        ? state.dueMs.with(asked.index, atMs + Math.min(everyMs, AGAIN_MS))
        : state.dueMs
    const silent: readonly LinkEffect[] = missed === absentAfter ? [{ type: 'silent' }] : []
    return this.#goOn(
      {
        ...state,
        missed,
        dueMs: isAbsent ? dueMs.map(ms => Math.max(ms, atMs + absentEveryMs)) : dueMs,
        commands: isAbsent ? [] : state.commands,
      },
      {
        atMs,
        effects: [
          { type: 'count', counter: 'timeout' },
          ...failed,
          ...(isAbsent ? state.commands.map(absent) : []),
          ...silent,
        ],
      },
    )
  }

  #goOn(
    state: ModbusState,
    done: { readonly atMs: MonotonicMs; readonly effects: readonly LinkEffect[] },
  ): LinkStep<ModbusState> {
    const next = this.#ask({ ...state, asked: undefined }, done.atMs)
    return { state: next.state, effects: [...done.effects, { type: 'release' }, ...next.effects] }
  }

  /** `write-register`, with `register` and the quantity `value` in the register's unit. */
  #commanded(
    state: ModbusState,
    { command, atMs }: { readonly command: LinkCommand; readonly atMs: MonotonicMs },
  ): LinkStep<ModbusState> {
    if (command.verb !== 'write-register') return unsupported(state, command)
    const { id, values, untilMs } = command
    const { register: wanted, value } = values
    const register = this.#options.registers.find(({ name }) => name === wanted)
    const refuse = (detail: string): LinkStep<ModbusState> => ({
      state,
      effects: [answeredBy({ id }, { type: 'failed', reason: 'rejected', detail })],
    })
    if (register === undefined) return refuse('it has no such register')
    if (state.commands.length >= LIMITS.linkQueueFrames) return refuse('too many wait before it')
    try {
      const pdu = writeRequest(register, String(value))
      const waiting = { id, values, pdu, ...(untilMs === undefined ? {} : { untilMs }) }
      const queued = { ...state, commands: [...state.commands, waiting] }
      const isFree = state.asked === undefined && state.echo !== 'unknown'
      return isFree ? this.#ask(queued, atMs) : { state: queued, effects: [] }
    } catch (thrown) {
      if (thrown instanceof RangeError) return refuse(thrown.message)
      throw thrown
    }
  }
}

function waitAfter(exception: number, everyMs: number): number {
  if (FINAL.has(exception)) return Number.POSITIVE_INFINITY
  return TRANSIENT.has(exception) ? Math.min(everyMs, AGAIN_MS) : everyMs
}

function late(state: ModbusState): LinkStep<ModbusState> {
  return { state, effects: [{ type: 'count', counter: 'late' }] }
}

function answeredBy({ id }: { readonly id: string }, outcome: CommandOutcome): LinkEffect {
  return { type: 'answered', id, outcome }
}

function absent(command: Command): LinkEffect {
  const outcome = { type: 'failed', reason: 'timeout', detail: 'it answers nothing' } as const
  return answeredBy(command, outcome)
}
