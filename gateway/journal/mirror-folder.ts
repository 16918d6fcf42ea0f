import { mkdir, open, readFile, rename, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { syncDirectory, writeDurably } from '../core/durable-file.js'
import { messageOf, systemCodeOf } from '../core/errors.js'
import type { StoreId } from '../core/ids.js'
import { fail, ok, type Result } from '../core/result.js'
import { parseJson } from '../core/schema.js'
import { namesIn } from './journal-folder.js'
import { mirrorEnd } from './mirror-end.js'

/** Our own folder on the medium; whatever else lies there is left alone. */
const FOLDER = 'tillbridge-copy'
/** Says whose copy it is: without it an empty mount point is not filled. */
const MARKER = 'copy.json'
const META = 'meta.json'

const markerSchema = z.object({ v: z.literal(1), store: z.string() })
const metaSchema = z.object({
  v: z.literal(1),
  /** The newest record of the snapshot, and its size: a shorter one was cut off. */
  end: mirrorEnd.exactOptional(),
  snapshotBytes: z.int().min(0),
})
type GenerationMeta = z.infer<typeof metaSchema>

/** tmpfs, ramfs, overlayfs (statfs(2)): gone with the power, and what a container mounts over. */
const VOLATILE = [0x01021994, 0x858458f6, 0x794c7630]

/** The folder of the second copy on a medium that is there. */
export interface MirrorFolder {
  readonly path: string
  /** Tells this very file system from whatever is mounted there later. */
  readonly identity: string
}

/** What one filling of the copy left: the journal as it stood once, and every write since. */
export interface GenerationPaths {
  readonly number: number
  readonly folder: string
  readonly snapshot: string
  readonly batches: string
}

/** Where the second copy is to be, and how its medium is recognised. */
export interface MirrorPlace {
  readonly path: string
  readonly dataDir: string
  readonly store: StoreId
}

/** Our folder there, or in words why there is none and nothing may be written. */
export async function findMirror(place: MirrorPlace): Promise<Result<MirrorFolder, string>> {
  const { path } = place
  try {
    // From here on it is this very medium: pulled out, its path is an empty folder of the card.
    const medium = await open(path, 'r')
    try {
      return await findOn(`/proc/self/fd/${medium.fd}`, place)
    } finally {
      await medium.close()
    }
  } catch (thrown) {
    const what = systemCodeOf(thrown) === 'ENOENT' ? 'nothing is there' : messageOf(thrown)
    return fail(`${path}: ${what}`)
  }
}

async function findOn(medium: string, place: MirrorPlace): Promise<Result<MirrorFolder, string>> {
  const wrong = await wrongWithMedium(medium, place)
  if (wrong !== undefined) return fail(wrong)
  const { path, store } = place
  const [folder, named] = [join(medium, FOLDER), join(path, FOLDER)]
  const names = await namesIn(folder)
  if (names === undefined || names.length === 0) await begin(folder, store)
  const json = parseJson(await readFile(join(folder, MARKER), 'utf8'))
  const marker = markerSchema.safeParse(json.ok ? json.value : undefined).data
  if (marker === undefined) return fail(`${named} holds no copy of ours; move it away`)
  if (marker.store !== store)
    return fail(`${named} is the copy of ${marker.store}; plug in the medium of ${store}`)
  const { dev, ino } = await stat(join(folder, MARKER))
  return ok({ path: named, identity: `${dev}/${ino}` })
}

async function wrongWithMedium(
  medium: string,
  { path, dataDir }: MirrorPlace,
): Promise<string | undefined> {
  const [there, here, { type }] = await Promise.all([stat(medium), stat(dataDir), statfs(medium)])
  if (there.dev === here.dev)
    return `${path} is on the disk of the data directory: nothing is mounted there`
  // The type is a signed number on 32-bit machines.
  if (VOLATILE.includes(type >>> 0))
    return `${path} is no disk of its own: nothing is mounted there`
  return undefined
}

async function begin(folder: string, store: StoreId): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeDurably(join(folder, MARKER), {
    text: `${JSON.stringify({ v: 1, store })}\n`,
    mode: 0o644,
  })
  await syncDirectory(join(folder, '..'))
}

/** What is whole, the newest first. */
export async function generationsIn(folder: MirrorFolder): Promise<readonly GenerationPaths[]> {
  const names = (await namesIn(folder.path)) ?? []
  const numbers = names.filter(name => /^\d{1,9}$/.test(name)).map(Number)
  return numbers.sort((one, other) => other - one).map(number => pathsOf(folder, String(number)))
}

/** A folder for the next one, which is none until it is `finished`. */
export async function beginGeneration(folder: MirrorFolder): Promise<GenerationPaths> {
  const [newest] = await generationsIn(folder)
  const names = (await namesIn(folder.path)) ?? []
  for (const name of names.filter(name => name.endsWith('.new')))
    await rm(join(folder.path, name), { recursive: true, force: true })
  const paths = pathsOf(folder, `${(newest?.number ?? 0) + 1}.new`)
  await mkdir(paths.folder)
  return paths
}

/** Makes a generation the newest, and removes those before it. */
export async function finishGeneration(
  folder: MirrorFolder,
  draft: GenerationPaths,
  meta: Omit<GenerationMeta, 'v'>,
): Promise<void> {
  const text = `${JSON.stringify({ v: 1, ...meta })}\n`
  await writeDurably(join(draft.folder, META), { text, mode: 0o644 })
  const older = await generationsIn(folder)
  await rename(draft.folder, pathsOf(folder, String(draft.number)).folder)
  await syncDirectory(folder.path)
  for (const { folder: path } of older) await rm(path, { recursive: true, force: true })
}

/** What is known of a generation's snapshot. @throws where it cannot be read. */
export async function readMeta(paths: GenerationPaths): Promise<GenerationMeta> {
  const json = parseJson(await readFile(join(paths.folder, META), 'utf8'))
  const meta = metaSchema.safeParse(json.ok ? json.value : undefined)
  if (!meta.success) throw new Error(`${paths.folder}: ${META} is damaged`)
  return meta.data
}

function pathsOf(folder: MirrorFolder, name: string): GenerationPaths {
  const path = join(folder.path, name)
  return {
    number: Number.parseInt(name, 10),
    folder: path,
    snapshot: join(path, 'snapshot'),
    batches: join(path, 'batches'),
  }
}
