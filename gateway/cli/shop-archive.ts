import { createReadStream, existsSync, type Stats } from 'node:fs'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { dirname, isAbsolute, join, relative } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Decrypter, Encrypter } from 'age-encryption'
import koffi from 'koffi'
import { create, extract, list, type ReadEntry } from 'tar'
import type { ShopConfig } from '../config/schema.js'
import { syncDirectory } from '../core/durable-file.js'
import { messageOf, TillbridgeError } from '../core/errors.js'
import { lockFile } from '../core/file-lock.js'
import { journalPaths } from '../journal/journal-folder.js'

/**
 * 2^16 · 1 KiB = 64 MiB of memory for half a second on a Pi; age's own 2^18 would take a quarter of
 * a small Pi's memory.
 */
const SCRYPT_LOG_N = 16

/** Locks that the next process makes, and room that it sets aside. */
const WORTHLESS = /(?:^|\/)(?:LOCK|[^/]*\.lock|reserve)$/

/**
 * Everything that makes this gateway this shop's, each file under its own path: configuration, the
 * files it names, profiles, and the data directory with journal and keys.
 */
export function partsOfShop(options: {
  readonly config: ShopConfig
  /** Nothing where the environment alone configures the shop. */
  readonly configFile: string | undefined
}): readonly string[] {
  const { config, configFile } = options
  const parts = [...namedFiles(config), ...config.profiles, config.dataDir]
  return configFile === undefined ? parts : [configFile, ...parts]
}

/** The configuration calls a path to one file `…File`. */
function namedFiles(section: object): readonly string[] {
  return Object.entries(section).flatMap(([key, value]) => {
    if (typeof value === 'string' && key.endsWith('File')) return [value]
    return typeof value === 'object' && value !== null ? namedFiles(value) : []
  })
}

/**
 * Writes a new file: a tar of the parts, gzipped, then sealed by the passphrase in the age format
 * (age-encryption.org). The data directory is locked meanwhile. Gives how many files are in it.
 * @throws TillbridgeError TB_JOURNAL_LOCKED a gateway runs on it; TB_BACKUP_FILE a part that cannot
 * be read, a target that cannot be written or is there
 */
export async function archiveShop(options: {
  readonly parts: readonly string[]
  readonly dataDir: string
  readonly passphrase: string
  readonly to: string
}): Promise<number> {
  const { parts, dataDir, passphrase, to } = options
  return backupFailures(async () => {
    const lock = await lockAt(dataDir)
    try {
      let files = 0
      const filter = (path: string, entry: Stats | ReadEntry): boolean => {
        if (WORTHLESS.test(path)) return false
        if ('isFile' in entry && entry.isFile()) files += 1
        return true
      }
      const names = parts.map(part => relative('/', part))
      // A data directory on another disk, or a certificate of certbot's, may be a link: what counts
      // is what it leads to.
      const options = { cwd: '/', gzip: true, filter, strict: true, follow: true }
      const tar = create(options, names)
      const age = new Encrypter()
      age.setPassphrase(passphrase)
      age.setScryptWorkFactor(SCRYPT_LOG_N)
      const sealed = await age.encrypt(Readable.toWeb(Readable.from(tar)))
      const target = await open(to, 'wx', 0o600)
      try {
        await pipeline(Readable.fromWeb(sealed), target.createWriteStream({ flush: true }))
      } catch (thrown) {
        await rm(to, { force: true })
        throw thrown
      }
      await syncDirectory(dirname(to))
      return files
    } finally {
      await lock?.close()
    }
  })
}

/**
 * Puts every file of an archive back under its own path below `root`, durably, once the archive
 * proved whole. Nothing that is there is touched. Gives the paths.
 * @throws TillbridgeError TB_BACKUP_FILE it cannot be read, the passphrase is another's, or it is
 * damaged; a file of it is there already. TB_JOURNAL_LOCKED a gateway runs where it belongs
 */
export async function restoreShop(options: {
  readonly from: string
  readonly passphrase: string
  readonly root: string
}): Promise<readonly string[]> {
  const { root } = options
  return backupFailures(async () => {
    const files: string[] = []
    const strange: string[] = []
    const onReadEntry = ({ type, path }: ReadEntry): void => {
      if (isAbsolute(path) || path.split('/').includes('..')) strange.push(path)
      if (type === 'File') files.push(join(root, path))
    }
    await pipeline(await opened(options), list({ strict: true, onReadEntry }))
    if (strange.length > 0) throw new Error(`${options.from}: ${strange[0]} is no path of a backup`)
    for (const file of files)
      if (existsSync(file)) throw new Error(`${file} is there already; move it away first`)
    const current = files.find(file => file.endsWith('/journal/CURRENT'))
    const lock = current === undefined ? undefined : await lockAt(dirname(dirname(current)))
    try {
      // The paths were looked at above: tar's own look takes every path below / for one outside it.
      const into = { cwd: root, strict: true, keep: true, preservePaths: true } as const
      await pipeline(await opened(options), extract(into))
      koffi.load('libc.so.6').func('void sync()')()
    } finally {
      await lock?.close()
    }
    return files
  })
}

/** The tar in an archive. */
async function opened(options: {
  readonly from: string
  readonly passphrase: string
}): Promise<Readable> {
  const age = new Decrypter()
  age.addPassphrase(options.passphrase)
  const sealed = createReadStream(options.from)
  try {
    return Readable.fromWeb(await age.decrypt(Readable.toWeb(sealed)))
  } catch (thrown) {
    const reason = `${options.from}: no backup, damaged, or sealed by another passphrase`
    throw new Error(`${reason} (${messageOf(thrown)})`, { cause: thrown })
  }
}

/** Nothing where no gateway ever ran: made here it would be root's, and shut the gateway out. */
async function lockAt(dataDir: string): Promise<FileHandle | undefined> {
  const path = journalPaths(dataDir).lock
  if (!existsSync(path)) return undefined
  const lock = await lockFile(path)
  if (lock !== undefined) return lock
  throw new TillbridgeError('TB_JOURNAL_LOCKED', `${dataDir}: a gateway is at work here`)
}

async function backupFailures<Value>(work: () => Promise<Value>): Promise<Value> {
  try {
    return await work()
  } catch (thrown) {
    if (thrown instanceof TillbridgeError) throw thrown
    throw new TillbridgeError('TB_BACKUP_FILE', messageOf(thrown), { cause: thrown })
  }
}
