import { resolve } from 'node:path'
import { Command } from 'commander'
import { messageOf, TillbridgeError } from '../../core/errors.js'
import { EXIT, exitCodeOf } from '../exit-codes.js'
import type { CliIo } from '../io.js'
import { readPassphrase } from '../passphrase.js'
import { configOption, loadShop } from '../shop.js'
import { archiveShop, partsOfShop, restoreShop } from '../shop-archive.js'

const BACKUP_NOTES = `
Stop the gateway first: its journal is copied, too. In the file are the configuration, every file
that it names (passwords, certificates, keys), the folders of profiles, and the data directory.
It is sealed in the age format: without the passphrase nobody restores it, you neither.

Exit codes: 0 written; 2 usage, or a file; 3 a gateway runs on the data directory`

const RESTORE_NOTES = `
On a new card: install tillbridge, restore, then start it. Every file goes back under its own path,
and none that is there is replaced. Never start the old card again beside the new one.

Exit codes: 0 restored; 2 usage, a file, or the passphrase; 3 a gateway runs where it belongs`

/** `tillbridge backup`: a stopped shop in one sealed file. */
export function backupCommand(io: CliIo): Command {
  return new Command('backup')
    .description('write a stopped shop into one file, sealed by a passphrase')
    .argument('<file>', 'where to; it must not be there')
    .addOption(configOption())
    .requiredOption('--passphrase-file <file>', 'the passphrase, as its first line')
    .addHelpText('after', BACKUP_NOTES)
    .action(async (to: string, options: { config?: string; passphraseFile: string }) => {
      const config = loadShop({ file: options.config, io })
      const passphrase = readPassphrase(options.passphraseFile, io)
      const configFile = options.config === undefined ? undefined : resolve(options.config)
      const parts = partsOfShop({ config, configFile })
      await orExplain(io, async () => {
        const files = await archiveShop({ parts, dataDir: config.dataDir, passphrase, to })
        for (const part of parts) io.print(part)
        io.print(`${files} files in ${to}`)
        if (configFile === undefined) io.print('without the configuration: it is no file here')
      })
    })
}

/** `tillbridge restore`: what `tillbridge backup` wrote, on a new card. */
export function restoreCommand(io: CliIo): Command {
  return new Command('restore')
    .description('put back what `tillbridge backup` wrote')
    .argument('<file>', 'the backup')
    .requiredOption('--passphrase-file <file>', 'the passphrase, as its first line')
    .option('--root <folder>', 'put the files below it, to look at them', '/')
    .addHelpText('after', RESTORE_NOTES)
    .action(async (from: string, options: { root: string; passphraseFile: string }) => {
      const passphrase = readPassphrase(options.passphraseFile, io)
      await orExplain(io, async () => {
        const files = await restoreShop({ from, passphrase, root: resolve(options.root) })
        io.print(`${files.length} files restored below ${options.root}`)
      })
    })
}

async function orExplain(io: CliIo, work: () => Promise<void>): Promise<never> {
  try {
    await work()
  } catch (thrown) {
    if (!(thrown instanceof TillbridgeError)) throw thrown
    io.complain(`${messageOf(thrown)}\n${thrown.advice}`)
    return io.exit(exitCodeOf(thrown))
  }
  return io.exit(EXIT.ok)
}
