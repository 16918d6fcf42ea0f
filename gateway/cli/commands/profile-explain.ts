import { Command } from 'commander'
import { stringify } from 'yaml'
import { readBytes } from '../../workbench/capture/read-bytes.js'
import { caseDrafts } from '../../workbench/case-drafts.js'
import { captureNow, explain } from '../../workbench/explain.js'
import { explanationLines } from '../../workbench/explanation-text.js'
import { EXIT } from '../exit-codes.js'
import type { CliIo } from '../io.js'
import {
  chooseDialect,
  type DialectFlags,
  dialectOptions,
  refuse,
} from '../profile/choose-dialect.js'
import { timeZoneOption } from '../time-zone.js'

interface Flags extends DialectFlags {
  readonly timeZone: string
  readonly cases?: true
}

/** `tillbridge profile explain`: bytes, frames, fields and events side by side. */
export function profileExplainCommand(io: CliIo): Command {
  const command = new Command('explain')
    .description('show what bytes mean: frames, fields, events, and what was thrown away and why')
    .argument('<bytes...>', 'a capture or other file, hexadecimal bytes, or - for standard input')
    .addOption(timeZoneOption("the shop's time zone"))
    .option('--cases', 'print a case for each different frame instead, to be checked by you')
  for (const option of dialectOptions()) command.addOption(option)
  return command.action(async (given: readonly string[], flags: Flags) => {
    const dialect = await chooseDialect(flags, io)
    const bytes = await readBytes(given.join(' '), process.stdin)
    if (!bytes.ok) return refuse(io, [bytes.error])
    const colours = process.stdout.isTTY === true
    const capture = captureNow(flags.timeZone)
    if (flags.cases === true) {
      const { chunks, head } = bytes.value
      const source =
        head === undefined ? 'a capture' : `capture of ${head.address}, ${head.startedAt}`
      const cases = caseDrafts({ dialect, chunks, capture, source })
      io.print(stringify({ timeZone: flags.timeZone, cases }, { lineWidth: 0 }).trimEnd())
      return io.exit(EXIT.ok)
    }
    let [frames, events, bad] = [0, 0, 0]
    for (const one of explain({ dialect, ...bytes.value, capture })) {
      for (const line of explanationLines(one, { colours })) io.print(line)
      if (one.kind === 'frame') frames += 1
      events += one.notes.filter(({ text }) => text.startsWith('event ')).length
      if (one.notes.some(({ type }) => type === 'bad')) bad += 1
    }
    io.print(`${frames} frames, ${events} events, ${bad} with something wrong (${dialect.id})`)
    return io.exit(EXIT.ok)
  })
}
