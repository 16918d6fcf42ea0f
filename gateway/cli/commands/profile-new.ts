import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { Command, Option } from 'commander'
import { BUILT_IN_PROFILES } from '../../profile/registry.js'
import { profileSchema } from '../../profile/schema.js'
import { readBytes } from '../../workbench/capture/read-bytes.js'
import { burstsOf, isSaidAgain } from '../../workbench/propose/bursts.js'
import { checksumFits } from '../../workbench/propose/checksum-fits.js'
import { type Proposal, proposeFramings } from '../../workbench/propose/propose-framing.js'
import { skeletonOf } from '../../workbench/propose/skeleton.js'
import { EXIT } from '../exit-codes.js'
import type { CliIo } from '../io.js'
import { refuse } from '../profile/choose-dialect.js'

interface Flags {
  readonly profile: string
  readonly firmware: string
  readonly kind: string
  readonly out: string
  readonly take: string
}

const SHOWN = 5
const KINDS = profileSchema.shape.kind.options
const NAME = profileSchema.shape.vendor
const FIRMWARE = profileSchema.shape.firmware.element.shape.from

/** `tillbridge profile new`: a capture, and what a new terminal's files could begin with. */
export function profileNewCommand(io: CliIo): Command {
  return new Command('new')
    .description('propose framing and checksum from a capture, and write files to go on from')
    .argument('<capture>', 'a capture or other file, hexadecimal bytes, or - for standard input')
    .requiredOption('--profile <vendor/model>', 'what to call the new terminal')
    .requiredOption('--firmware <version>', 'its firmware')
    .addOption(new Option('--kind <kind>', 'what it is').choices(KINDS).default('till'))
    .option('--out <folder>', 'the folder of profiles to write to', 'profiles')
    .option('--take <number>', 'take this proposal instead of the first', '1')
    .action(async (given: string, flags: Flags) => {
      const [vendor = '', model = ''] = flags.profile.split('/')
      const isNamed = [vendor, model].every(name => NAME.safeParse(name).success)
      if (!isNamed || flags.profile !== `${vendor}/${model}`)
        return refuse(io, ['--profile: expected a-z, 0-9 and -; write --profile acme/till-5'])
      if (!FIRMWARE.safeParse(flags.firmware).success)
        return refuse(io, ['--firmware: expected a version; write --firmware 1.0'])
      const bytes = await readBytes(given, process.stdin)
      if (!bytes.ok) return refuse(io, [bytes.error])
      const { chunks, head } = bytes.value
      const bursts = burstsOf(chunks)
      const proposals = proposeFramings(bursts)
      for (const [index, one] of proposals.slice(0, SHOWN).entries()) show(one, index + 1, io)
      for (const fit of checksumFits(bursts)) io.print(`over whole bursts: ${fit}`)
      if (isSaidAgain(bursts) && !chunks.some(({ from }) => from === 'host'))
        io.print('it says most things again: it waits for an answer; link: ack-nak is proposed')
      if (proposals.length === 0)
        return refuse(io, [`${given}: expected frames in some framing; capture some more of them`])
      const proposal = proposals[Number(flags.take) - 1]
      if (proposal === undefined)
        return refuse(io, [`--take: expected a number from 1 to ${proposals.length}`])
      const terminal = { vendor, model, firmware: flags.firmware, kind: flags.kind }
      const folder = join(flags.out, vendor)
      const schemas = relative(folder, BUILT_IN_PROFILES)
      const files = skeletonOf({ terminal, proposal, chunks, head, schemas })
      const present = Object.keys(files).filter(name => existsSync(join(folder, name)))
      if (present.length > 0)
        return refuse(io, [`${join(folder, present[0] ?? '')} exists; write another --profile`])
      mkdirSync(folder, { recursive: true })
      for (const [name, text] of Object.entries(files)) {
        writeFileSync(join(folder, name), text)
        io.print(`wrote ${join(folder, name)}`)
      }
      io.print(`next: describe its messages, then tillbridge profile lint ${flags.out}`)
      return io.exit(EXIT.ok)
    })
}

function show({ framing, confidence, evidence }: Proposal, number: number, io: CliIo): void {
  const { type, maxFrameBytes: _, ...options } = framing
  const said = Object.entries(options).map(([name, value]) => `${name} ${String(value)}`)
  io.print(`${number}. ${confidence}: ${type} (${said.join(', ')})`)
  for (const line of evidence) io.print(`     ${line}`)
}
