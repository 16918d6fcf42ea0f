import { Command } from 'commander'
import { toHex } from '../../core/bytes.js'
import { messageOf } from '../../core/errors.js'
import { encodeFrame } from '../../line/framing/catalog.js'
import { loadProfileFiles } from '../../profile/load.js'
import { BUILT_IN_PROFILES } from '../../profile/registry.js'
import { EXIT } from '../exit-codes.js'
import type { CliIo } from '../io.js'
import { refuse } from '../profile/choose-dialect.js'

/** `tillbridge profile frame`: a malformed message needs a checksum that is right. */
export function profileFrameCommand(io: CliIo): Command {
  return new Command('frame')
    .description('put marks and checksum around a message, for a case')
    .argument('<message>', 'as it stands between the marks; \\xHH is a byte')
    .requiredOption('--dialect <vendor/name>', 'a dialect that declares its framing')
    .option('--folder <folder...>', 'folders of profiles beside the built-in ones')
    .action(async (text: string, flags: { dialect: string; folder?: readonly string[] }) => {
      const files = await loadProfileFiles([BUILT_IN_PROFILES, ...(flags.folder ?? [])])
      if (!files.ok) return refuse(io, files.error)
      const dialect = files.value.dialects.get(flags.dialect)?.value
      if (dialect === undefined || 'protocol' in dialect)
        return refuse(io, ['--dialect: expected one that declares its framing; write vendor/name'])
      const payload = text.replace(/\\x([0-9a-f]{2})/gi, (_, hex: string) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      )
      try {
        io.print(toHex(encodeFrame(dialect.framing, Buffer.from(payload, 'latin1'))))
      } catch (thrown) {
        return refuse(io, [`expected a message that can be framed: ${messageOf(thrown)}`])
      }
      return io.exit(EXIT.ok)
    })
}
