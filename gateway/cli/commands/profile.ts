import { Command } from 'commander'
import { loadRegistry } from '../../profile/registry.js'
import { runVector } from '../../workbench/vectors/run-vectors.js'
import { readVectors } from '../../workbench/vectors/vector.js'
import { EXIT } from '../exit-codes.js'
import type { CliIo } from '../io.js'
import { refuse } from '../profile/choose-dialect.js'
import { profileCaptureCommand } from './profile-capture.js'
import { profileExplainCommand } from './profile-explain.js'
import { profileFrameCommand } from './profile-frame.js'
import { profileLintCommand } from './profile-lint.js'
import { profileNewCommand } from './profile-new.js'
import { profileReparseCommand } from './profile-reparse.js'
import { profileReplayCommand } from './profile-replay.js'
import { profileTestCommand } from './profile-test.js'

/** `tillbridge profile`: which terminals are known, and whether what is known of them is right. */
export function profileCommand(io: CliIo): Command {
  return new Command('profile')
    .description('the terminals that this gateway can speak with')
    .addCommand(listCommand(io))
    .addCommand(profileLintCommand(io))
    .addCommand(profileTestCommand(io))
    .addCommand(profileCaptureCommand(io))
    .addCommand(profileReplayCommand(io))
    .addCommand(profileExplainCommand(io))
    .addCommand(profileReparseCommand(io))
    .addCommand(profileNewCommand(io))
    .addCommand(profileFrameCommand(io))
    .addCommand(vectorsCommand(io))
}

function listCommand(io: CliIo): Command {
  return new Command('list')
    .description('list profiles: model, firmware, dialect')
    .argument('[folder...]', 'folders of profiles beside the built-in ones')
    .action(async (folders: readonly string[]) => {
      const registry = await loadRegistry({ extraFolders: folders })
      if (!registry.ok) return refuse(io, registry.error)
      for (const { vendor, model, name, firmware } of registry.value.profiles) {
        const ranges = firmware.map(({ from, to, dialect }) => `${from} to ${to}: ${dialect}`)
        io.print(`${`${vendor}/${model}`.padEnd(32)}  ${name} (${ranges.join('; ')})`)
      }
      return io.exit(EXIT.ok)
    })
}

function vectorsCommand(io: CliIo): Command {
  return new Command('vectors')
    .description('decode bytes of which an outside source says what they mean')
    .argument(
      '<file...>',
      'JSON files: arrays of { name, source, protocol, direction, hex, expect }',
    )
    .action(async (files: readonly string[]) => {
      let [passed, failed] = [0, 0]
      for (const file of files) {
        const vectors = await readVectors(file)
        if (!vectors.ok) return refuse(io, [vectors.error])
        for (const { name, protocol, failures } of vectors.value.map(runVector)) {
          io.print(`${failures.length === 0 ? 'ok    ' : 'not ok'}  ${protocol}  ${name}`)
          for (const failure of failures) io.print(`        ${failure}`)
          if (failures.length === 0) passed += 1
          else failed += 1
        }
      }
      io.print(`${passed} passed, ${failed} failed`)
      return io.exit(failed > 0 ? EXIT.findings : EXIT.ok)
    })
}
