import { Command } from 'commander'
import { openRegistry } from '../../composition/dialects.js'
import { openShopJournal, openShopSpace, openShopStorage } from '../../composition/journal.js'
import { profileSource } from '../../composition/profile-source.js'
import { createShop } from '../../composition/shop.js'
import type { ShopConfig } from '../../config/schema.js'
import { systemClock } from '../../core/clock.js'
import { messageOf, TillbridgeError } from '../../core/errors.js'
import { silentLogger } from '../../core/log.js'
import { canonicalJson } from '../../event/canonical-json.js'
import { JournalIngest } from '../../ingest/journal-ingest.js'
import { type JournalCopy, openJournalCopy } from '../../journal/journal-copy.js'
import { scanRecords } from '../../journal/record-scan.js'
import { newerDialect } from '../../workbench/reparse/newer-dialect.js'
import {
  type ReparseOptions,
  type ReparseReport,
  rejectedIn,
  rejectedOf,
  reparseFrames,
} from '../../workbench/reparse/reparse-frames.js'
import { count } from '../count.js'
import { EXIT, exitCodeOf } from '../exit-codes.js'
import type { CliIo } from '../io.js'
import { configOption, loadShop } from '../shop.js'
import { stopSignal } from '../stop-signal.js'

/** `tillbridge profile reparse`: rejected frames of a stopped gateway, decoded by what is known. */
export function profileReparseCommand(io: CliIo): Command {
  return new Command('reparse')
    .description(
      "decode a stopped gateway's rejected frames again, by the profiles as they are now",
    )
    .addOption(configOption())
    .option('--dry-run', 'print the events and append nothing')
    .action(async (flags: { readonly config?: string; readonly dryRun?: true }) => {
      const config = loadShop({ file: flags.config, io })
      try {
        const report = await reparseShop({ config, isDry: flags.dryRun === true, io })
        print(report, io)
        return io.exit(report.stopped === undefined ? EXIT.ok : EXIT.cannotStart)
      } catch (thrown) {
        if (!(thrown instanceof TillbridgeError)) throw thrown
        io.complain(`${messageOf(thrown)}. ${thrown.advice}`)
        return io.exit(exitCodeOf(thrown))
      }
    })
}

async function reparseShop(options: {
  readonly config: ShopConfig
  readonly isDry: boolean
  readonly io: CliIo
}): Promise<ReparseReport> {
  const { config, isDry, io } = options
  const registry = await openRegistry(profileSource(config))
  const spoken = new Map(
    config.terminals.flatMap(terminal => {
      const dialect = registry.speechOf(terminal)
      const isKnown = dialect.ok && dialect.value.doubt === undefined
      return isKnown ? [[String(terminal.id), dialect.value.id] as const] : []
    }),
  )
  const shared: Shared = {
    dialectFor: newerDialect(registry, spoken),
    clock: systemClock,
    timeZone: config.timeZone,
    signal: stopSignal({ clock: systemClock, exit: io.exit }),
    found: (rejected, reparsed) => {
      if (reparsed.type === 'decoded')
        for (const event of reparsed.events) io.print(canonicalJson(event))
      if (reparsed.type === 'undecodable') io.complain(`${rejected.id}: ${reparsed.reason}`)
    },
  }
  return isDry ? reparseCopy(config, shared) : reparseInPlace(config, shared)
}

type Shared = Omit<ReparseOptions, 'frames' | 'ingest'>

/** A copy is looked at, so that nothing at all is changed. */
async function reparseCopy(config: ShopConfig, shared: Shared): Promise<ReparseReport> {
  const copy = await openJournalCopy(config.dataDir)
  try {
    return await reparseFrames({
      ...shared,
      frames: rejectedOfCopy(copy),
      ingest: async () => ({ type: 'journaled' }),
    })
  } finally {
    await copy.close()
  }
}

async function* rejectedOfCopy({ database }: JournalCopy): ReparseOptions['frames'] {
  for await (const scanned of scanRecords({ database })) {
    const rejected = scanned.type === 'record' ? rejectedOf(scanned.record) : undefined
    if (rejected !== undefined) yield rejected
  }
}

async function reparseInPlace(config: ShopConfig, shared: Shared): Promise<ReparseReport> {
  const space = await openShopSpace(config)
  const disk = await openShopStorage({ config, logger: silentLogger })
  try {
    const journal = await openShopJournal(createShop({ config, logger: silentLogger }), {
      ...disk,
      space,
    })
    const ingest = new JournalIngest({ journal, logger: silentLogger })
    try {
      const { clock, signal } = shared
      const frames = rejectedIn({ journal, clock, signal })
      return await reparseFrames({ ...shared, frames, ingest: events => ingest.ingest(events) })
    } finally {
      await journal.close()
    }
  } finally {
    await disk.mirror?.stop()
    await disk.storage.close()
  }
}

function print(report: ReparseReport, io: CliIo): void {
  const { frames, decoded, ignored, appended, known, undecodable, untried, stopped } = report
  const events = `${count(appended, 'event')} appended, ${known} known`
  io.print(
    `${count(frames, 'rejected frame')}: ${decoded} decoded (${events}), ` +
      `${ignored} say nothing, ${sumOf(undecodable)} stay`,
  )
  for (const [reason, times] of undecodable) io.print(`  ${times}: ${reason}`)
  if (untried.size > 0) io.print(`${count(sumOf(untried), 'rejected frame')} not tried again:`)
  for (const [reason, times] of untried) io.print(`  ${times}: ${reason}`)
  if (stopped !== undefined) io.complain(`stopped before the end: ${stopped}`)
}

function sumOf(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, times) => sum + times, 0)
}
