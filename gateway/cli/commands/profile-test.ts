import { Command } from 'commander'
import { systemClock } from '../../core/clock.js'
import { examineProfiles } from '../../profile/lint.js'
import { loadProfileFiles, type ProfileFiles } from '../../profile/load.js'
import { BUILT_IN_PROFILES } from '../../profile/registry.js'
import { coverageLines } from '../../workbench/coverage.js'
import { fuzzLines, fuzzProfiles } from '../../workbench/fuzz/fuzz-profiles.js'
import { EXIT } from '../exit-codes.js'
import type { CliIo } from '../io.js'
import { refuse } from '../profile/choose-dialect.js'

interface Flags {
  readonly mutations: string
  readonly seed: string
  readonly coverage?: true
  readonly dialect?: string
}

/** `tillbridge profile test`: every case, and so many damaged frames. */
export function profileTestCommand(io: CliIo): Command {
  return new Command('test')
    .description('run the cases of every dialect, bytes to event and back; damage their frames')
    .argument('[folder...]', 'folders of profiles; the built-in ones where none is named')
    .option('--mutations <number>', 'damage so many frames of each dialect', '0')
    .option('--seed <number>', 'the same seed gives the same damage', '20261130')
    .option('--dialect <vendor/name>', 'damage the frames of this one alone')
    .option('--coverage', 'print which case shows which message of which profile')
    .action(async (folders: readonly string[], flags: Flags) => {
      const [mutations, seed] = [Number(flags.mutations), Number(flags.seed)]
      if (!Number.isInteger(mutations) || !Number.isInteger(seed))
        return refuse(io, ['--mutations and --seed: expected numbers; write --mutations 1000000'])
      const files = await loadProfileFiles(folders.length > 0 ? folders : [BUILT_IN_PROFILES])
      if (!files.ok) return refuse(io, files.error)
      const { cases, findings } = examineProfiles(files.value)
      const failed = cases.filter(({ failures }) => failures.length > 0)
      for (const { place, name, failures } of failed)
        for (const failure of failures) io.complain(`${place}: ${name}: ${failure}`)
      for (const finding of findings) io.complain(finding)
      if (flags.coverage) for (const line of coverageLines(files.value)) io.print(line)
      const weak = fuzz({ io, files: files.value, mutations, seed, only: flags.dialect })
      io.print(`${cases.length - failed.length} cases passed, ${failed.length} failed`)
      return io.exit(failed.length + findings.length + weak > 0 ? EXIT.findings : EXIT.ok)
    })
}

/** How many dialects stood it badly. */
function fuzz(options: {
  readonly io: CliIo
  readonly files: ProfileFiles
  readonly mutations: number
  readonly seed: number
  readonly only: string | undefined
}): number {
  const { io, files, mutations, seed, only } = options
  if (mutations === 0) return 0
  const named = [...files.dialects].filter(([name]) => only === undefined || name === only)
  const chosen = { ...files, dialects: new Map(named) }
  let weak = 0
  for (const one of fuzzProfiles({ files: chosen, mutations, seed, clock: systemClock })) {
    for (const line of fuzzLines(one)) io.print(line)
    if (one.complaints.length > 0) weak += 1
  }
  const mebibytes = Math.round(process.memoryUsage.rss() / 2 ** 20)
  io.print(`seed ${seed}; this process now has ${mebibytes} MiB`)
  return weak
}
