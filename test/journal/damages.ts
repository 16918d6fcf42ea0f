import { readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Random } from '../../gateway/core/random.js'
import { journalPaths } from '../../gateway/journal/journal-folder.js'
import { below } from '../support/sample.js'

/** What disks and people do to a data directory while nobody runs on it; where, says the seed. */
export type Damage = (dataDir: string, random: Random) => void

/** One of the journal's files of a kind; there is at least one. */
function pick(dataDir: string, kind: RegExp, random: Random): string {
  const { journal } = journalPaths(dataDir)
  const found = readdirSync(journal).filter(name => kind.test(name))
  const name = found[below(random, found.length)]
  if (name === undefined) throw new Error(`no file ${kind} in ${readdirSync(journal).join(' ')}`)
  return join(journal, name)
}

const LOG = /^\d+\.log$/
const TABLE = /\.ldb$/
const MANIFEST = /^MANIFEST-/

/** Cut off at a random place. */
const truncated =
  (kind: RegExp): Damage =>
  (dataDir, random) => {
    const path = pick(dataDir, kind, random)
    truncateSync(path, below(random, statSync(path).size))
  }

const removed =
  (kind: RegExp): Damage =>
  (dataDir, random) =>
    rmSync(pick(dataDir, kind, random))

/** `count` bytes at a random place, changed. */
const overwritten =
  (kind: RegExp, count: number, change: (byte: number) => number): Damage =>
  (dataDir, random) => {
    const path = pick(dataDir, kind, random)
    const bytes = readFileSync(path)
    const from = below(random, Math.max(1, bytes.length - count))
    for (let at = from; at < Math.min(bytes.length, from + count); at += 1)
      bytes[at] = change(bytes[at] ?? 0)
    writeFileSync(path, bytes)
  }

/** The end of a file as a file system leaves it that grew it and never wrote what was in it. */
const zeroTail: Damage = (dataDir, random) => {
  const path = pick(dataDir, LOG, random)
  const bytes = readFileSync(path)
  writeFileSync(path, bytes.fill(0, below(random, bytes.length)))
}

/** Twelve bits in any tables. */
const manyBitsFlip: Damage = (dataDir, random) => {
  for (let count = 0; count < 12; count += 1)
    overwritten(TABLE, 1, byte => byte ^ 4)(dataDir, random)
}

const all =
  (...damages: readonly Damage[]): Damage =>
  (dataDir, random) => {
    for (const damage of damages) damage(dataDir, random)
  }

const CURRENT = /^CURRENT$/
const emptied: Damage = (dataDir, random) => writeFileSync(pick(dataDir, CURRENT, random), '')
const withoutMark: Damage = dataDir => rmSync(journalPaths(dataDir).mark)

/** Records that a block of a table may take with it. */
const BLOCK = 60

/** LevelDB may abort whoever reads these: see recovered-apart.ts. */
export const MANY_BITS = '12 bits of tables flipped'

/** Each with the most records that it may cost: what stands elsewhere must all be kept. */
export const DAMAGES: Readonly<Record<string, readonly [damage: Damage, most: number]>> = {
  'log truncated': [truncated(LOG), Infinity],
  'log deleted': [removed(LOG), Infinity],
  'end of the log all zero': [zeroTail, Infinity],
  'one bit of the log flipped': [overwritten(LOG, 1, byte => byte ^ 16), BLOCK],
  '64 bytes of a table overwritten': [overwritten(TABLE, 64, () => 0xff), 2 * BLOCK],
  [MANY_BITS]: [manyBitsFlip, 12 * BLOCK],
  'a table truncated': [truncated(TABLE), Infinity],
  'a table deleted': [removed(TABLE), Infinity],
  'CURRENT deleted': [removed(CURRENT), 0],
  'CURRENT empty': [emptied, 0],
  'MANIFEST deleted': [removed(MANIFEST), 0],
  'MANIFEST truncated': [truncated(MANIFEST), 0],
  'CURRENT deleted, a table truncated, the log cut': [
    all(removed(CURRENT), truncated(TABLE), truncated(LOG)),
    Infinity,
  ],
  'all of the journal deleted': [
    dataDir => rmSync(journalPaths(dataDir).journal, { recursive: true }),
    Infinity,
  ],
  'mark deleted': [withoutMark, 0],
  'mark damaged': [dataDir => writeFileSync(journalPaths(dataDir).mark, '{"v":1}'), 0],
  'mark and MANIFEST deleted': [all(withoutMark, removed(MANIFEST)), 0],
}

/** Does to a data directory what the name says. */
export function damage(name: string, dataDir: string, random: Random): void {
  const known = DAMAGES[name]
  if (known === undefined) throw new RangeError(name)
  known[0](dataDir, random)
}
