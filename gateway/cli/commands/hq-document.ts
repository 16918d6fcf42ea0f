import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { messageOf } from '../../core/errors.js'
import type { StoreId } from '../../core/ids.js'
import { type DocumentKind, documentKind } from '../../event/document.js'
import { type DocumentManifest, outgoingDocument } from '../../wire/document.js'
import { trackInLedger } from '../ask-ledger.js'
import { atBroker } from '../at-broker.js'
import { DocumentDesk, type DocumentOwner, versionNow } from '../document-desk.js'
import { holderLine, holdersOf } from '../document-holders.js'
import { EXIT, type ExitCode, exitCodeOf } from '../exit-codes.js'
import {
  type HqBrokerFlags,
  keyOption,
  secondKeyOption,
  storeNamed,
  withHqBrokerFlags,
} from '../hq-client-flags.js'
import { readHqKey } from '../hq-key-file.js'
import { type LedgerFlags, ledgerPlaceOf } from '../hq-ledger.js'
import type { CliIo } from '../io.js'
import { printable } from '../printable.js'

interface Flags extends HqBrokerFlags {
  readonly store?: StoreId
  readonly all?: true
}

interface ShowFlags extends Flags, LedgerFlags {
  readonly stores?: true
  readonly json?: true
}

interface PublishFlags extends Flags {
  readonly key: string
  readonly secondKey?: string
  readonly kind: DocumentKind
  /** `--version` of the program itself would take its place. */
  readonly ordinal?: number
}

/** `tillbridge hq document`: price lists and the like for stores (docs/documents.md). */
export function hqDocumentCommand(io: CliIo): Command {
  return new Command('document')
    .description('documents for one store or all of them (docs/documents.md)')
    .addCommand(publishCommand(io))
    .addCommand(showCommand(io))
}

function publishCommand(io: CliIo): Command {
  return withOwner(new Command('publish'))
    .description('sign a file, or a folder of profiles, and put it out in place of the one before')
    .argument('<name>', 'its name, for ever: prices', nameOf)
    .argument('<file>', 'what is in it')
    .addOption(keyOption())
    .addOption(secondKeyOption())
    .addOption(
      new Option('--kind <kind>', 'what it is for')
        .choices(documentKind.options)
        .makeOptionMandatory(),
    )
    .option('--ordinal <number>', 'its version, where the time of day is not to be it', ordinal)
    .action(async (name: string, file: string, _flags: unknown, command: Command) => {
      // The flags of the broker are those of `hq`, whichever side of `document` they stand on.
      const flags = command.optsWithGlobals<PublishFlags>()
      const { kind, ordinal: version = versionNow() } = flags
      const store = ownerOf(flags, io)
      const files = [flags.key, ...(flags.secondKey === undefined ? [] : [flags.secondKey])]
      const keys = await Promise.all(files.map(each => readHqKey(each, io)))
      const document = outgoingDocument({ name, version, kind, store }, bytesOf(file, kind, io))
      if (!document.ok) {
        io.complain(`${file}: ${document.error}`)
        return io.exit(EXIT.usage)
      }
      return atDesk(flags, io, async desk => {
        const before = await desk.publish(document.value, keys)
        const place = before.length === 0 ? '' : `, in place of ${before.join(', ')}`
        io.print(`${lineOf(document.value.manifest)}${place}`)
        return EXIT.ok
      })
    })
}

function showCommand(io: CliIo): Command {
  return withOwner(new Command('show'))
    .description('what is put out; with --stores: which shop and terminal works by it')
    .argument('[name]', 'one of them', nameOf)
    .option('--stores', 'of one name: who has which version (needs the ledger: --data, --ledger)')
    .option('--json', 'with --stores: print it as JSON')
    .action(async (name: string | undefined, _flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<ShowFlags>()
      if (flags.stores) return showStores(name, flags, io)
      const owner = ownerOf(flags, io)
      return atDesk(flags, io, async desk => {
        const found = await desk.show(owner, name)
        for (const manifest of found) io.print(lineOf(manifest))
        if (found.length === 0) io.print('nothing is put out')
        return EXIT.ok
      })
    })
}

/** Which terminal still has the old price. */
async function showStores(name: string | undefined, flags: ShowFlags, io: CliIo): Promise<void> {
  if (name === undefined) {
    io.complain('--stores: expected the name of a document; write show prices --stores')
    return io.exit(EXIT.usage)
  }
  const { store, json } = flags
  const place = ledgerPlaceOf(flags, io)
  return atDesk(flags, io, async desk => {
    const { documents, stores } = await trackInLedger(place, { ask: 'document', name })
    const all = holdersOf({ documents, stores, versions: await desk.versions(name) })
    const holders = all.filter(holder => store === undefined || holder.store === store)
    const current = holders.filter(({ isCurrent }) => isCurrent).length
    if (json) io.print(JSON.stringify(holders))
    else {
      for (const holder of holders) io.print(printable(holderLine(holder)))
      io.print(`${current} of ${holders.length} work by the newest version`)
    }
    return current === holders.length ? EXIT.ok : EXIT.findings
  })
}

async function atDesk(
  flags: Flags,
  io: CliIo,
  work: (desk: DocumentDesk) => Promise<ExitCode>,
): Promise<void> {
  const code = await atBroker({ flags, io, name: 'document' }, at =>
    work(new DocumentDesk(at)),
  ).catch(thrown => {
    io.complain(messageOf(thrown))
    return exitCodeOf(thrown)
  })
  io.exit(code)
}

function withOwner(command: Command): Command {
  return withHqBrokerFlags(command)
    .addOption(new Option('--store <store>', 'for this shop').argParser(storeNamed))
    .option('--all', 'for every shop')
}

function ownerOf({ store, all }: Flags, io: CliIo): DocumentOwner {
  if (store !== undefined && all === undefined) return store
  if (store === undefined && all === true) return 'hq'
  io.complain('expected one of --store and --all; write --store store-001')
  return io.exit(EXIT.usage)
}

/** A folder of profiles becomes one document: an object of the files' texts. */
function bytesOf(file: string, kind: DocumentKind, io: CliIo): Uint8Array {
  try {
    if (kind !== 'profiles' || !statSync(file).isDirectory()) return readFileSync(file)
    const entries = readdirSync(file, { recursive: true, withFileTypes: true })
    const names = entries
      .filter(entry => entry.isFile() && /\.yaml$/.test(entry.name))
      .map(entry => join(entry.parentPath, entry.name).slice(join(file, '/').length))
    const files = names.sort().map(name => [name, readFileSync(join(file, name), 'utf8')])
    return Buffer.from(JSON.stringify(Object.fromEntries(files)))
  } catch (thrown) {
    io.complain(`${file}: expected a readable file (${messageOf(thrown)}); write its path`)
    return io.exit(EXIT.usage)
  }
}

function lineOf({ name, version, kind, store, bytes, sha256 }: DocumentManifest): string {
  const owner = store === 'hq' ? 'every store' : store
  return `${name} ${version} (${kind}) for ${owner}: ${bytes} bytes, SHA-256 ${sha256}`
}

function nameOf(text: string): string {
  if (/^[a-z0-9-]{1,40}$/.test(text)) return text
  throw new InvalidArgumentError('expected letters, digits and hyphens; write prices')
}

function ordinal(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('expected a number above the one before; write --ordinal 8')
}
