import { Command } from 'commander'
import { examineProfiles } from '../../profile/lint.js'
import { loadProfileFiles } from '../../profile/load.js'
import { BUILT_IN_PROFILES } from '../../profile/registry.js'
import { count } from '../count.js'
import { EXIT } from '../exit-codes.js'
import type { CliIo } from '../io.js'
import { refuse } from '../profile/choose-dialect.js'

/** `tillbridge profile lint`: what files lack although each may be valid. */
export function profileLintCommand(io: CliIo): Command {
  return new Command('lint')
    .description('check ranges, sources, and that cases show every message, good and malformed')
    .argument('[folder...]', 'folders of profiles; the built-in ones where none is named')
    .action(async (folders: readonly string[]) => {
      const files = await loadProfileFiles(folders.length > 0 ? folders : [BUILT_IN_PROFILES])
      if (!files.ok) return refuse(io, files.error)
      const { findings } = examineProfiles(files.value)
      for (const finding of findings) io.complain(finding)
      const { profiles, dialects } = files.value
      const found = [count(dialects.size, 'dialect'), count(findings.length, 'finding')]
      io.print([count(profiles.size, 'profile'), ...found].join(', '))
      return io.exit(findings.length > 0 ? EXIT.findings : EXIT.ok)
    })
}
