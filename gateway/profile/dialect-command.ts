import { z } from 'zod'
import { fail, ok, type Result } from '../core/result.js'
import type { LinkCommand } from '../line/link/link.js'

const name = z.string().regex(/^[a-z][A-Za-z0-9]*$/)

const argument = z.strictObject({
  /** `amount`: whole minor units above 0. `digits`: a number whose leading zeros count. */
  type: z.enum(['amount', 'integer', 'digits', 'text', 'flag']),
  /** Characters of a text or of digits, or the highest integer. */
  max: z.int().min(1).max(999_999_999_999).exactOptional(),
  optional: z.literal(true).exactOptional(),
  /** Its name at the link, where it has another one there. */
  as: name.exactOptional(),
})

type Argument = z.output<typeof argument>

/** Something that a terminal of this dialect can be told to do, by HQ or by a rule of the shop. */
const command = z
  .strictObject({
    does: z.string().min(1).max(200),
    /** The verb of the dialect's link that does it, where it has another name there. */
    link: z.string().min(1).max(40).exactOptional(),
    /**
     * In place of a verb: what is written on the line, in Latin-1, `{text}` standing for an
     * argument. That it was written is all that is known of it then.
     */
    write: z.string().min(1).max(400).exactOptional(),
    /** Money may move: one at a time, and never again where nobody knows what came of it. */
    money: z.boolean().default(false),
    arguments: z.record(name, argument).default({}),
  })
  .refine(({ link, write }) => link === undefined || write === undefined, {
    error: 'expected one of `link` and `write`; write the one that does it',
  })
  .refine(({ write = '', arguments: given }) => namesIn(write).every(word => word in given), {
    error: 'expected an argument for each {name}; write it under `arguments`',
  })

const verb = z.string().regex(/^[a-z][A-Za-z0-9-]{0,39}$/)

/** `commands` of a dialect, by their verbs. */
export const commandsSchema = z.record(verb, command).default({})

export type CommandsFile = z.output<typeof commandsSchema>
type Declared = z.output<typeof command>

/** A command as it can be carried out. */
export interface DialectCommand {
  readonly does: string
  readonly money: boolean
  /** What to have the line do; fails where a value is missing, or none that was declared. */
  prepare(values: LinkCommand['values']): Result<PreparedCommand, string>
}

export type PreparedCommand =
  | { readonly type: 'link'; readonly verb: string; readonly values: LinkCommand['values'] }
  | { readonly type: 'write'; readonly bytes: Uint8Array }

export type DialectCommands = ReadonlyMap<string, DialectCommand>

export const NO_COMMANDS: DialectCommands = new Map()

export function commandsOf(file: CommandsFile): DialectCommands {
  return new Map(
    Object.entries(file).map(([verb, declared]) => [
      verb,
      {
        does: declared.does,
        money: declared.money,
        prepare: values => prepare({ verb, declared, values }),
      },
    ]),
  )
}

function prepare(command: {
  readonly verb: string
  readonly declared: Declared
  readonly values: LinkCommand['values']
}): Result<PreparedCommand, string> {
  const { verb, declared, values } = command
  const unknown = Object.keys(values).find(key => !(key in declared.arguments))
  if (unknown !== undefined) return fail(`${unknown}: ${verb} has no such argument`)
  const taken: Record<string, string | number | boolean> = {}
  for (const [key, argument] of Object.entries(declared.arguments)) {
    const value = values[key]
    if (value === undefined && argument.optional === true) continue
    const read = value === undefined ? undefined : valueOfArgument(argument, value)
    if (read === undefined) return fail(`${key}: expected ${expectationOf(argument)}`)
    taken[argument.as ?? key] = read
  }
  const { link = verb, write } = declared
  if (write === undefined) return ok({ type: 'link', verb: link, values: taken })
  const text = write.replaceAll(PLACE, (_, key: string) => String(taken[key] ?? ''))
  return ok({ type: 'write', bytes: Buffer.from(text, 'latin1') })
}

const PLACE = /\{([a-z][A-Za-z0-9]*)\}/g

function namesIn(template: string): readonly string[] {
  return [...template.matchAll(PLACE)].map(([, key = '']) => key)
}

const MOST: Readonly<Record<Argument['type'], number>> = {
  amount: 999_999_999_999,
  integer: 999_999_999,
  digits: 40,
  text: 200,
  flag: 0,
}

/** Letters of a text may not end a frame, nor begin a command of the device. */
const PRINTABLE = /^[\x20-\x7e\xa0-\xff]*$/

function valueOfArgument(
  { type, max = MOST[type] }: Argument,
  value: string | number | boolean,
): string | number | boolean | undefined {
  switch (type) {
    case 'amount':
    case 'integer': {
      const least = type === 'amount' ? 1 : 0
      const isFit = typeof value === 'number' && Number.isSafeInteger(value) && value >= least
      return isFit && value <= max ? value : undefined
    }
    case 'digits': {
      const text = String(value)
      return /^\d+$/.test(text) && text.length <= max ? text : undefined
    }
    case 'text': {
      const text = String(value)
      return PRINTABLE.test(text) && text.length <= max ? text : undefined
    }
    case 'flag':
      return typeof value === 'boolean' ? value : undefined
  }
}

function expectationOf({ type, max = MOST[type] }: Argument): string {
  switch (type) {
    case 'amount':
      return `minor units from 1 to ${max}`
    case 'integer':
      return `a whole number up to ${max}`
    case 'digits':
      return `up to ${max} digits`
    case 'text':
      return `up to ${max} characters of Latin-1`
    case 'flag':
      return 'true or false'
  }
}
