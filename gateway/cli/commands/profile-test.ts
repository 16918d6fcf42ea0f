import { Command } from 'commander'
import { systemClock } from '../../core/clock.js'
import { examineProfiles } from '../../profile/lint.js'
import { loadProfileFiles, type ProfileFiles } from '../../profile/load.js'
import { BUILT_IN_PROFILES } from '../../profile/registry.js'
import { coverageLines } from '../../workbench/coverage.js'
import { fuzzLines, fuzzProfiles } from '../../workbench/fuzz/fuzz-profiles.js'
import { count } from '../count.js'
import { EXIT } from '../exit-codes.js'
import type { CliIo } from '../io.js'
import { refuse } from '../profile/choose-dialect.js'

interface Flags {
  readonly mutations: string
  readonly seed: string
  readonly coverage?: true
  readonly dialect?: string
  readonly after?: string
}

/** `tillbridge profile test`: every case, and so many damaged frames. */
export function profileTestCommand(io: CliIo): Command {
  return new Command('test')
    .description('run the cases of every dialect, bytes to event and back; damage their frames')
    .argument('[folder...]', 'folders of profiles; the built-in ones where none is named')
    .option('--mutations <number>', 'damage so many frames of each dialect', '0')
    .option('--seed <number>', 'the same seed gives the same damage', '20261130')
    .option('--dialect <vendor/name>', 'damage the frames of this one alone')
    .option('--after <vendor/name>', 'go on behind this one, the last that a run had printed')
    .option('--coverage', 'print which case shows which message of which profile')
    .action(async (folders: readonly string[], flags: Flags) => {
      const [mutations, seed] = [Number(flags.mutations), Number(flags.seed)]
      if (!Number.isInteger(mutations) || mutations < 0 || !Number.isInteger(seed))
        return refuse(io, ['--mutations and --seed: expected numbers; write --mutations 1000000'])
      const files = await loadProfileFiles(folders.length > 0 ? folders : [BUILT_IN_PROFILES])
      if (!files.ok) return refuse(io, files.error)
      const dialects = chosen({ io, files: files.value, flags })
      const { cases, findings } = examineProfiles(files.value)
      const failed = cases.filter(({ failures }) => failures.length > 0)
      for (const { place, name, failures } of failed)
        for (const failure of failures) io.complain(`${place}: ${name}: ${failure}`)
      for (const finding of findings) io.complain(finding)
      if (flags.coverage) for (const line of coverageLines(files.value)) io.print(line)
      const weak = fuzz({ io, files: { ...files.value, dialects }, mutations, seed })
      io.print(`${count(cases.length - failed.length, 'case')} passed, ${failed.length} failed`)
      return io.exit(failed.length + findings.length + weak > 0 ? EXIT.findings : EXIT.ok)
    })
}

/** The dialects whose frames are to be damaged; a name that is none ends the process. */
function chosen(options: {
  readonly io: CliIo
  readonly files: ProfileFiles
  readonly flags: Flags
}): ProfileFiles['dialects'] {
  const { io, files, flags } = options
  const names = [...files.dialects.keys()]
  const indexOf = (flag: string, name: string): number => {
    const index = names.indexOf(name)
    return index < 0 ? refuse(io, [`${flag}: expected one of ${names.join(', ')}`]) : index
  }
  const from = flags.after === undefined ? 0 : indexOf('--after', flags.after) + 1
  const only = flags.dialect === undefined ? undefined : indexOf('--dialect', flags.dialect)
  return new Map(
    [...files.dialects].filter((_, index) => (only === undefined ? index >= from : index === only)),
  )
}

/** How many dialects stood it badly. */
function fuzz(options: {
  readonly io: CliIo
  readonly files: ProfileFiles
  readonly mutations: number
  readonly seed: number
}): number {
  const { io, files, mutations, seed } = options
  if (mutations === 0) return 0
  let weak = 0
  for (const one of fuzzProfiles({ files, mutations, seed, clock: systemClock })) {
    for (const line of fuzzLines(one)) io.print(line)
    if (one.complaints.length > 0) weak += 1
  }
  const mebibytes = Math.round(process.memoryUsage.rss() / 2 ** 20)
  io.print(`seed ${seed}; this process now has ${mebibytes} MiB`)
  return weak
}
