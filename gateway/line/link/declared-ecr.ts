import { z } from 'zod'
import { fail, ok, type Result } from '../../core/result.js'
import type { EcrLanguage, EcrRequest } from './ecr-language.js'
import type { CommandOutcome, LinkCommand } from './link.js'

const verb = z.string().regex(/^[a-z][A-Za-z0-9]*$/)
/** Which of the fields between separators, counted from 0. */
const place = z.int().min(0).max(99)

const request = z.strictObject({
  /** The payload, with the values of the command in it: `0200|{amount}|{reference}`. */
  text: z.string().min(1).max(400),
  /** How its answer begins; without one its acknowledgement is all. */
  answer: z.string().min(1).max(40).exactOptional(),
  /** How it begins where the terminal did what it was asked. */
  success: z.string().min(1).max(40).exactOptional(),
  /** Money may move: journaled before it is asked for, and never asked for twice. */
  money: z.boolean().default(false),
  /** Values that the answer repeats, and where: they tell whose answer it is. */
  echo: z.record(z.string(), place).default({}),
  /** Values of the outcome, and where they stand. */
  values: z.record(z.string(), place).default({}),
})

/** A terminal whose requests and answers are text between separators. */
export const declaredEcr = {
  separator: z.string().length(1).default('|'),
  /** How messages begin that only say that the terminal is at work. */
  progress: z.string().min(1).max(40).exactOptional(),
  requests: z.record(verb, request).default({}),
  /** The verb that asks for the last payment again. */
  ask: verb.exactOptional(),
}

export type DeclaredEcrOptions = z.output<z.ZodObject<typeof declaredEcr>>
type DeclaredRequest = z.output<typeof request>

/** What stands in the place of a value: nothing that could end a field or a frame. */
const VALUE = /^[\x20-\x7e]{1,200}$/
/** Minor units, and never nothing. */
const AMOUNT = /^[1-9]\d{0,11}$/

export class DeclaredEcr implements EcrLanguage {
  readonly ask: string | undefined
  readonly #options: DeclaredEcrOptions
  readonly #frame: (payload: Uint8Array) => Uint8Array

  constructor(options: DeclaredEcrOptions, frame: (payload: Uint8Array) => Uint8Array) {
    this.#options = options
    this.#frame = frame
    this.ask = options.ask
  }

  request(command: LinkCommand): Result<EcrRequest, string> | undefined {
    const declared = this.#options.requests[command.verb]
    if (declared === undefined) return undefined
    const text = this.#filled(declared.text, command)
    if (!text.ok) return text
    const payload = Buffer.from(text.value, 'latin1')
    return ok({
      frame: this.#frame(payload),
      payload: declared.money ? payload : undefined,
      isAnswered: declared.answer !== undefined,
    })
  }

  kindOf(verb: string, payload: Uint8Array): 'answer' | 'progress' | 'other' {
    const text = Buffer.from(payload).toString('latin1')
    const { progress, requests } = this.#options
    if (begins(text, progress)) return 'progress'
    return begins(text, requests[verb]?.answer) ? 'answer' : 'other'
  }

  outcomeOf(command: LinkCommand, payload: Uint8Array): CommandOutcome {
    const fields = this.#fields(payload)
    const declared = this.#declaredOf(payload) ?? this.#options.requests[command.verb]
    const text = Buffer.from(payload).toString('latin1')
    if (!begins(text, declared?.success ?? declared?.answer))
      return { type: 'failed', reason: 'rejected', detail: `the terminal says ${fields[1] ?? ''}` }
    if (!this.#echoes(command, payload))
      return { type: 'failed', reason: 'unknown', detail: 'it answers to another request' }
    const values = Object.entries(declared?.values ?? {}).flatMap(([name, at]) => {
      const value = fields[at]
      return value === undefined || value === '' ? [] : [[name, value] as const]
    })
    return { type: 'successful', values: Object.fromEntries(values) }
  }

  tellsOf({ values, ...command }: LinkCommand, payload: Uint8Array): boolean | undefined {
    const repeated = Object.keys(this.#declaredOf(payload)?.echo ?? {})
    if (!repeated.some(name => values[name] !== undefined)) return undefined
    return this.#echoes({ ...command, values }, payload)
  }

  /** Where its answer repeats values of the command, each is the same. */
  #echoes({ values }: LinkCommand, payload: Uint8Array): boolean {
    const fields = this.#fields(payload)
    const echo = Object.entries(this.#declaredOf(payload)?.echo ?? {})
    return echo.every(([name, at]) => {
      const value = values[name]
      return value === undefined || String(value) === fields[at]
    })
  }

  /** The request whose answer this is. */
  #declaredOf(payload: Uint8Array): DeclaredRequest | undefined {
    const text = Buffer.from(payload).toString('latin1')
    return Object.values(this.#options.requests).find(({ answer }) => begins(text, answer))
  }

  #fields(payload: Uint8Array): readonly string[] {
    return Buffer.from(payload).toString('latin1').split(this.#options.separator)
  }

  #filled(template: string, { values }: LinkCommand): Result<string, string> {
    let missing: string | undefined
    const text = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
      const value = String(values[name] ?? '')
      const pattern = name === 'amount' ? AMOUNT : VALUE
      const isFit = pattern.test(value) && !value.includes(this.#options.separator)
      if (!isFit) missing ??= name
      return value
    })
    return missing === undefined ? ok(text) : fail(`${missing}: it is missing or does not fit`)
  }
}

function begins(text: string, start: string | undefined): boolean {
  return start !== undefined && text.startsWith(start)
}
