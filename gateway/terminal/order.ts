import { fromHex } from '../core/bytes.js'
import type { CommandOutcome, LinkCommand } from '../line/link/link.js'
import type { RawWrite } from './conversation.js'
import type { TerminalSession } from './session.js'

interface Orderable {
  readonly abilities: Pick<TerminalSession['abilities'], 'commands' | 'doubt'>
  command(command: LinkCommand | RawWrite): Promise<CommandOutcome>
}

/** Any bytes, in hexadecimal, where the shop's configuration lets it be. */
export const RAW_WRITE = 'write-raw'

/** Has a terminal do what its dialect declares under this verb, with values that fit. */
export async function carryOut(
  session: Orderable,
  command: LinkCommand,
  { mayWriteRaw }: { readonly mayWriteRaw: boolean },
): Promise<CommandOutcome> {
  const { verb, values, about, ...stated } = command
  const { untilMs } = command
  const within = untilMs === undefined ? {} : { untilMs }
  if (verb === RAW_WRITE && mayWriteRaw) return writeRaw(session, values, within)
  const { commands, doubt } = session.abilities
  const declared = commands.get(verb)
  if (declared === undefined && doubt !== undefined)
    return { type: 'failed', reason: 'rejected', detail: doubt, notYet: true }
  if (declared === undefined) {
    const names = [...commands.keys()].join(', ') || 'none'
    const detail = `the terminal has no ${verb}; its commands: ${names}`
    return { type: 'failed', reason: 'unsupported', detail }
  }
  const prepared = declared.prepare(values)
  if (!prepared.ok) return { type: 'failed', reason: 'rejected', detail: prepared.error }
  if (prepared.value.type === 'write')
    return session.command({ bytes: prepared.value.bytes, ...within })
  const { type: _, ...ordered } = prepared.value
  const subject = about && commands.get(about.verb)?.prepare(about.values)
  return subject?.ok === true && subject.value.type === 'link'
    ? session.command({ ...stated, ...ordered, about: subject.value })
    : session.command({ ...stated, ...ordered })
}

async function writeRaw(
  session: Orderable,
  { hex, ...more }: LinkCommand['values'],
  within: Pick<LinkCommand, 'untilMs'>,
): Promise<CommandOutcome> {
  const isHex = typeof hex === 'string' && /^([0-9a-f]{2}){1,2000}$/i.test(hex)
  if (isHex && Object.keys(more).length === 0)
    return session.command({ bytes: fromHex(hex), ...within })
  return { type: 'failed', reason: 'rejected', detail: 'expected the bytes; write hex=1b40' }
}
