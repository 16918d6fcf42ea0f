import { Option } from 'commander'
import type { InterpretingDialect } from '../../profile/dialect.js'
import { loadRegistry } from '../../profile/registry.js'
import { EXIT } from '../exit-codes.js'
import type { CliIo } from '../io.js'

export interface DialectFlags {
  readonly profile?: string
  readonly firmware?: string
  readonly dialect?: string
  readonly folder?: readonly string[]
}

/** How a command is told whose language to speak. */
export function dialectOptions(): readonly Option[] {
  return [
    new Option('--profile <vendor/model>', 'of this terminal').conflicts('dialect'),
    new Option('--firmware <version>', 'with this firmware'),
    new Option('--dialect <vendor/name>', 'or this dialect'),
    new Option('--folder <folder...>', 'folders of profiles beside the built-in ones'),
  ]
}

/** The dialect that the flags name; anything else ends the process. */
export async function chooseDialect(flags: DialectFlags, io: CliIo): Promise<InterpretingDialect> {
  const registry = await loadRegistry({ extraFolders: flags.folder ?? [] })
  if (!registry.ok) return refuse(io, registry.error)
  const { dialect: name, profile, firmware } = flags
  if (name !== undefined) {
    const dialect = registry.value.dialect(name)
    const advice = 'write vendor/name as its file is called; --folder adds your own folders'
    return dialect ?? refuse(io, [`--dialect: expected a dialect, and ${name} is none; ${advice}`])
  }
  if (profile === undefined || firmware === undefined)
    return refuse(io, [
      'expected a dialect; write --dialect vendor/name, or --profile and --firmware',
    ])
  const dialect = registry.value.dialectOf({ profile, firmware })
  return dialect.ok
    ? dialect.value
    : refuse(io, [`${dialect.error.message}. ${dialect.error.advice}`])
}

export function refuse(io: CliIo, faults: readonly string[]): never {
  for (const fault of faults) io.complain(fault)
  return io.exit(EXIT.usage)
}
