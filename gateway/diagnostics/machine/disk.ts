import { access, constants, readFile, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { messageOf, systemCodeOf } from '../../core/errors.js'
import type { Check, Finding } from './check.js'

const MIB = 1024 * 1024
/** A busy shop journals a few MiB a day; a month without HQ must fit. */
const LOW_BYTES = 512 * MIB
/** The journal keeps more than this for the day on which the disk is full. */
const FULL_BYTES = 128 * MIB

/** Empty after a power cut. */
const VOLATILE = ['tmpfs', 'ramfs', 'overlay']
/** fsync or file locks promise less there than the journal needs. */
const WEAK = ['nfs', 'nfs4', 'cifs', 'vfat', 'exfat', 'fuseblk', '9p']

/** The folder of the journal: there or creatable, writable, on a real disk, with room. */
export const checkDisk: Check = async machine => {
  if (machine.config === undefined) return []
  const folder = await nearestExisting(machine.config.dataDir)
  const writable = await checkWritable({ dataDir: machine.config.dataDir, folder })
  if (writable.state === 'fail') return [writable]
  return [
    writable,
    await checkSpace(folder),
    await checkFilesystem({ folder, mounts: join(machine.root, '/proc/mounts') }),
  ]
}

/** `run` makes the folders that are missing, so the nearest one that exists decides. */
async function nearestExisting(folder: string): Promise<string> {
  try {
    await access(folder)
    return folder
  } catch (thrown) {
    const parent = dirname(folder)
    const absent = systemCodeOf(thrown) === 'ENOENT' && parent !== folder
    return absent ? nearestExisting(parent) : folder
  }
}

async function checkWritable(options: {
  readonly dataDir: string
  readonly folder: string
}): Promise<Finding> {
  const { dataDir, folder } = options
  const name = 'data directory'
  try {
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK)
    const found = folder === dataDir ? `${dataDir} is writable` : `${dataDir} will be made`
    return { name, state: 'ok', found }
  } catch (thrown) {
    return {
      name,
      state: 'fail',
      found: `${folder} is not writable: ${messageOf(thrown)}`,
      doThis:
        systemCodeOf(thrown) === 'EROFS'
          ? 'The card or disk has failed, or was mounted read-only: `dmesg` says why. Replace it.'
          : `Run \`sudo install -d -o $USER ${dataDir}\`, or write another \`dataDir\`.`,
    }
  }
}

async function checkSpace(folder: string): Promise<Finding> {
  const name = 'disk space'
  const { bavail, bsize } = await statfs(folder)
  const freeBytes = bavail * bsize
  const found = `${Math.floor(freeBytes / MIB)} MiB free`
  if (freeBytes >= LOW_BYTES) return { name, state: 'ok', found }
  const state = freeBytes < FULL_BYTES ? 'fail' : 'warn'
  return {
    name,
    state,
    found,
    doThis: `Free space: ${LOW_BYTES / MIB} MiB carry a month of sales.`,
  }
}

async function checkFilesystem(options: {
  readonly folder: string
  readonly mounts: string
}): Promise<Finding> {
  const { folder, mounts } = options
  const name = 'filesystem'
  const type = filesystemOf({ folder, mounts: await readFile(mounts, 'utf8') })
  const found = `${type} under ${folder}`
  const doThis = 'Write a `dataDir` on a local disk (ext4); in a container, on a volume.'
  if (VOLATILE.includes(type))
    return { name, state: 'warn', found: `${found} is lost with power`, doThis }
  if (WEAK.includes(type))
    return { name, state: 'warn', found: `${found} keeps its promises less well`, doThis }
  return { name, state: 'ok', found }
}

/** The type of the mount that a folder is on: the one with the longest mount point above it. */
export function filesystemOf(options: {
  readonly folder: string
  readonly mounts: string
}): string {
  let [longest, type] = [0, 'unknown']
  for (const line of options.mounts.split('\n')) {
    const [, point = '', mounted = ''] = line.split(' ')
    const above = point === '/' || `${options.folder}/`.startsWith(`${point}/`)
    // Later mounts cover earlier ones on the same point.
    if (point !== '' && above && point.length >= longest) [longest, type] = [point.length, mounted]
  }
  return type
}
