import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Finding } from './check.js'

const name = 'card wear'
const SECTOR_BYTES = 512
const GIB = 1024 ** 3

/**
 * What a card or eMMC tells of its age (JEDEC JESD84-B51, EXT_CSD 267 to 269: a tenth of its life
 * a step, 11 is beyond), and what was written to it since the machine started.
 */
export async function checkWear(machine: { readonly root: string }): Promise<readonly Finding[]> {
  const folder = join(machine.root, '/sys/block')
  const blocks = await readdir(folder).catch(() => [])
  const cards = blocks.filter(block => /^mmcblk\d+$/.test(block)).sort()
  return Promise.all(cards.map(card => checkCard(join(folder, card), card)))
}

async function checkCard(folder: string, card: string): Promise<Finding> {
  const read = async (file: string): Promise<string> =>
    (await readFile(join(folder, file), 'utf8').catch(() => '')).trim()
  const [model, date, life, end, stat] = await Promise.all(
    ['device/name', 'device/date', 'device/life_time', 'device/pre_eol_info', 'stat'].map(read),
  )
  // block/stat: the seventh figure counts sectors written.
  const sectors = Number((stat ?? '').split(/\s+/)[6] ?? 0)
  const written = `${((sectors * SECTOR_BYTES) / GIB).toFixed(1)} GiB written since the start`
  const found = `${card} (${model || 'unknown'}, made ${date || '?'}): ${written}`
  if (life === '') return { name, state: 'ok', found: `${found}; it does not tell its age` }
  const tenths = Math.max(...(life ?? '').split(/\s+/).map(Number))
  const used = tenths > 10 ? 'beyond its life' : `${tenths * 10} % of its life used at most`
  const isOld = tenths >= 9 || Number(end) >= 2
  if (!isOld) return { name, state: 'ok', found: `${found}; ${used}` }
  const doThis = 'Replace it before it fails; the journal moves with `dataDir`.'
  return { name, state: 'warn', found: `${found}; ${used}`, doThis }
}
