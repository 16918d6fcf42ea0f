import { spawn } from 'node:child_process'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import { sale } from '../support/sample.js'
import { freshDirectory } from '../support/shop.js'
import { inOwnMounts, SmallDisk } from '../support/small-disk.js'
import { checkWhole, FOLDER } from './mirrored-shop.js'
import { openKept } from './open-storage.js'

inOwnMounts()

t.setTimeout(600_000)

const PROGRAM = new URL('./sell-mirrored.js', import.meta.url).pathname

/** Sells until a catch-up is under way, or one is through, then kills; gives the sales. */
async function killedAt(
  shop: { readonly dataDir: string; readonly stick: string },
  options: { readonly from: number; readonly when: 'filling' | 'both' },
): Promise<readonly string[]> {
  const args = [PROGRAM, shop.dataDir, shop.stick, String(options.from)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const sold: string[] = []
  rmSync(join(shop.stick, FOLDER, '1.new'), { recursive: true, force: true })
  let wanted = Number.POSITIVE_INFINITY
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('sale-')) sold.push(line)
    const isDue =
      options.when === 'both'
        ? line.includes('"both"')
        : existsSync(join(shop.stick, FOLDER, '1.new', 'snapshot'))
    if (isDue) wanted = Math.min(wanted, sold.length + 2)
    if (sold.length === wanted) child.kill('SIGKILL')
  }
  return sold
}

t.test('killed in the middle of a catch-up, again and again', async t => {
  const stick = new SmallDisk(t, { mib: 256 })
  const shop = { dataDir: freshDirectory(t), stick: stick.directory }
  const folder = join(stick.directory, FOLDER)
  const first = await openKept(shop.dataDir)
  const events = Array.from({ length: 6000 }, (_, index) => sale({ number: index, lines: 4 }))
  for (let at = 0; at < events.length; at += 500)
    await first.journal.append(events.slice(at, at + 500))
  await first.close()
  const sold = events.map(({ id }) => String(id))
  let from = 0
  for (let hits = 0; hits < 3; ) {
    from += 1e5
    sold.push(...(await killedAt(shop, { from, when: 'filling' })))
    if (existsSync(join(folder, '1.new'))) hits += 1
    // It was through before the kill came: once more, from an empty stick.
    else rmSync(folder, { recursive: true, force: true })
  }
  sold.push(...(await killedAt(shop, { from: from + 1e5, when: 'both' })))
  t.same(readdirSync(folder).sort(), ['1', 'copy.json'])
  rmSync(shop.dataDir, { recursive: true })
  await checkWhole(t, shop, sold)
})
