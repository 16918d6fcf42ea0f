import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { inOwnMounts } from '../support/small-disk.js'
import { judgeBadUpdate } from './bad-update.js'
import { endureChaos } from './chaos.js'
import { stormOfCommands } from './command-storm.js'
import { killOneShop } from './kills.js'
import { powerCutObstacle } from './loop-disk.js'
import { judgeOutage } from './outage.js'
import { killPayments } from './payment-kills.js'
import { PHASES } from './phases.js'
import { cutOneDisk } from './power-cuts.js'
import { deliverPriceList } from './price-list.js'
import { Progress, type Total } from './progress.js'
import { replayOneRun, SCRATCH } from './replays.js'
import type { UnitResult } from './unit.js'

const USAGE = `npm run torture -- [options]
  --only KIND      kills, power, oplog, chaos, outage, commands, payments,
                   documents or updates;
                   else all of them, one after the other
  --points N       of each kind, instead of ${5_000} kills, ${300} power cuts, ${10_000} states,
                   ${90} faults (a quarter of an hour), 2 outages,
                   ${10_000} commands, 200 payments, 1 price list,
                   7 bad versions
  --seed S         the same seed makes the same choices; what the kernel does in between is its own
  --resume         go on where a run in this directory was broken off
  --directory DIR  where it works, and keeps what it found`

interface Kind {
  readonly only: string
  readonly name: string
  readonly points: number
  readonly unit: (place: Place) => Promise<UnitResult>
}

interface Place {
  readonly unit: number
  readonly seed: number
  readonly directory: string
  readonly keep: string
}

const KILLS_OF_A_SHOP = 16
const KILLS_OF_A_TERMINAL = 20
const CUTS_OF_A_DISK = 6
const STATES_OF_A_RUN = 250
const SECONDS_OF_CHAOS = 300
/** An hour of twenty a second. */
const SALES_OF_AN_OUTAGE = 72_000
const LINES_OF_A_LIST = 200_000
const PRICE_LIST = {
  lines: LINES_OF_A_LIST,
  tills: 20,
  cuts: 10,
  kills: { receiving: 2, pushing: 3 },
}
const KINDS: readonly Kind[] = [
  {
    only: 'kills',
    name: 'kill -9',
    points: 5_000,
    unit: place => killOneShop({ ...place, kills: KILLS_OF_A_SHOP }),
  },
  {
    only: 'power',
    name: 'power cut',
    points: 300,
    unit: place => cutOneDisk({ ...place, cuts: CUTS_OF_A_DISK }),
  },
  {
    only: 'oplog',
    name: 'state after a crash',
    points: 10_000,
    unit: place => replay(place, 'ordered'),
  },
  {
    only: 'oplog',
    name: 'the same, names in any order',
    points: 2_000,
    unit: place => replay(place, 'reordered'),
  },
  {
    only: 'chaos',
    name: 'fault of a link or process',
    points: 90,
    unit: place =>
      endureChaos({
        ...place,
        seconds: SECONDS_OF_CHAOS,
        faults: 1,
        receivers: 2,
        isPatient: true,
      }),
  },
  {
    only: 'outage',
    name: `${SALES_OF_AN_OUTAGE} sales while HQ is away`,
    points: 2,
    unit: place => judgeOutage({ ...place, sales: SALES_OF_AN_OUTAGE }),
  },
  {
    only: 'commands',
    name: 'command of HQ',
    points: 10_000,
    unit: place => stormOfCommands({ ...place, messages: 10_000, restarts: 25 }),
  },
  {
    only: 'payments',
    name: 'kill -9 in a payment',
    points: 200,
    unit: place => killPayments({ ...place, kills: KILLS_OF_A_TERMINAL }),
  },
  {
    only: 'documents',
    name: `price list of ${LINES_OF_A_LIST} lines to 20 tills`,
    points: 1,
    unit: place => deliverPriceList({ ...place, ...PRICE_LIST }),
  },
  {
    only: 'updates',
    name: 'bad version that goes back',
    points: 7,
    unit: judgeBadUpdate,
  },
]

async function replay(place: Place, model: 'ordered' | 'reordered'): Promise<UnitResult> {
  const scratch = join(SCRATCH, `tillbridge-torture-${process.pid}`)
  try {
    return await replayOneRun({ ...place, model, states: STATES_OF_A_RUN, scratch })
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    points: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    resume: { type: 'boolean', default: false },
    directory: { type: 'string', default: join(tmpdir(), 'tillbridge-torture') },
    help: { type: 'boolean', default: false },
  },
})

async function torture(): Promise<number> {
  const kinds = KINDS.filter(({ only }) => (values.only ?? only) === only)
  if (values.help || kinds.length === 0) {
    process.stdout.write(`${USAGE}\n`)
    return values.help ? 0 : 2
  }
  const obstacle = kinds.some(({ only }) => only === 'power') ? powerCutObstacle() : undefined
  if (obstacle !== undefined) {
    process.stderr.write(`${obstacle}; or --only kills, --only oplog\n`)
    return 2
  }
  if (kinds.some(({ only }) => only === 'power')) inOwnMounts()
  const { directory, resume } = values
  const progress = new Progress({ directory, resume, seed: Number(values.seed) })
  const keep = join(directory, 'findings')
  process.stdout.write(`seed ${progress.seed}, in ${directory}\n`)
  for (const [index, kind] of kinds.entries())
    await go({ kind, index, progress, keep: join(keep, `${kind.only}-${index}`) })
  for (const { name } of kinds) process.stdout.write(`\n${report(name, progress.of(name))}`)
  return kinds.every(({ name }) => progress.of(name).findings.length === 0) ? 0 : 1
}

async function go(options: {
  readonly kind: Kind
  readonly index: number
  readonly progress: Progress
  readonly keep: string
}): Promise<void> {
  const { kind, index, progress, keep } = options
  const wanted = values.points === undefined ? kind.points : Number(values.points)
  const directory = join(values.directory, `${kind.only}-${index}`)
  for (;;) {
    const { units, points } = progress.of(kind.name)
    if (points >= wanted) break
    const unit = units + 1
    const startMs = performance.now()
    const seed = progress.seed * 1_000_003 + unit
    const result = await kind.unit({ unit, seed, directory, keep })
    progress.add(kind.name, { result, seconds: (performance.now() - startMs) / 1000 })
    const done = progress.of(kind.name).points
    process.stdout.write(`${kind.name}: ${done} of ${wanted}\n`)
    for (const { point, what, kept } of result.findings)
      process.stdout.write(`FOUND ${point}: ${what.join('; ').slice(0, 500)}\n  kept: ${kept}\n`)
  }
  rmSync(directory, { recursive: true, force: true })
}

/** What came of one kind, as a table that can stand in the documentation. */
function report(name: string, total: Total): string {
  const { points, units, seconds, counts, findings } = total
  const head = `${name}: ${points} points in ${units} units, ${findings.length} findings, `
  const lines = [`${head}${(seconds / 60).toFixed(0)} min`]
  const kinds = Object.keys(counts).filter(key => PHASES.some(phase => key.startsWith(`${phase} `)))
  const calls = [...new Set(kinds.map(key => key.slice(key.indexOf(' ') + 1)))].sort()
  if (calls.length > 0) {
    lines.push(`| call | ${PHASES.join(' | ')} |`, `|---|${PHASES.map(() => '---:|').join('')}`)
    for (const call of calls)
      lines.push(
        `| ${call} | ${PHASES.map(phase => counts[`${phase} ${call}`] ?? 0).join(' | ')} |`,
      )
    const sums = PHASES.map(phase => sumOf(phase))
    lines.push(`| together | ${sums.join(' | ')} |`)
  }
  for (const [key, count] of Object.entries(counts))
    if (!kinds.includes(key)) lines.push(`${key}: ${count}`)
  return `${lines.join('\n')}\n`

  function sumOf(phase: string): number {
    return kinds
      .filter(key => key.startsWith(`${phase} `))
      .reduce((sum, key) => sum + (counts[key] ?? 0), 0)
  }
}

// Chaos may leave a socket that nothing closes.
process.exit(await torture())
