import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Random, seededRandom } from '../../gateway/core/random.js'
import { below, pick } from '../../gateway/simulator/till-sale.js'
import { type CrashState, crashState, type NameModel } from './crash-state.js'
import { Inquest } from './inquest.js'
import { forgetBoot, judge } from './judge.js'
import { RECORDED_CALLS, type Recording, recordingOf, treeOf } from './recording.js'
import { type Mutation, RunningJournal } from './running-journal.js'
import { Trace } from './strace.js'
import { type Evidence, TorturedShop } from './tortured-shop.js'
import type { UnitResult } from './unit.js'

/** In memory where the machine has that: states are many, and none must survive. */
export const SCRATCH = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
const SALES = 90
/** What a journal lived through before the recording begins; none for a new one. */
const HISTORIES = [0, 40, 120]
const TEXT_BYTES = 1024 * 1024

export interface ReplayOptions {
  readonly unit: number
  readonly seed: number
  readonly states: number
  readonly model: NameModel
  /** Emptied first. */
  readonly directory: string
  /** Where the states are made, one after the other: best in memory. */
  readonly scratch: string
  /** Where the state of a finding goes. */
  readonly keep: string
  readonly mutation?: Mutation
  /** Ends the unit early. */
  readonly stopAtFinding?: boolean
}

/** What a run left: its file operations, and what stood outside the journal at each of them. */
interface Run {
  readonly recording: Recording
  readonly evidence: Evidence
  /** Rows that HQ had before the run, and after each of its batches. */
  readonly growth: readonly number[]
}

/** Records one run, then opens and judges states that a power cut might have left of it. */
export async function replayOneRun(options: ReplayOptions): Promise<UnitResult> {
  const random = seededRandom(options.seed)
  const run = await recordRun(options, random)
  const inquest = new Inquest(options)
  const { recording } = run
  while (inquest.points < options.states) {
    const at = momentIn(recording, random)
    const state = crashState({ recording, at, model: options.model, random })
    if (state.undone.length > 0) inquest.tally.add('with names undone')
    const verdict = await judgeState({ ...options, state, evidence: evidenceAt(run, at) })
    inquest.count(verdict)
    if (verdict.findings.length === 0) continue
    if (state.undone.length > 0 && options.model === 'reordered') {
      inquest.tally.add(`conceded: ${concession(verdict.findings, state.undone)}`)
      continue
    }
    const what = [...verdict.findings, ...state.undone.map(change => `undone: ${change}`)]
    inquest.note({ point: `line ${at}`, what, keep: kept => put(kept, state) })
    if (options.stopAtFinding) break
  }
  return inquest.result
}

/** Around an operation: lines between them, at which nothing is under way, are many and alike. */
function momentIn({ operations }: Recording, random: Random): number {
  const { start, end } = pick(random, operations)
  return start + below(random, end - start + 2)
}

/** What nobody on LevelDB can do anything about on a disk that forgets names, and why. */
function concession(findings: readonly string[], undone: readonly string[]): string {
  const isLost = findings.some(finding => finding.includes('was acknowledged and is not'))
  if (!isLost) return findings.join('; ')
  if (undone.some(change => /^create journal\/.*\.log$/.test(change)))
    return 'sales lost: LevelDB never syncs the name of a new log'
  return 'sales lost: a name was undone'
}

async function recordRun(options: ReplayOptions, random: Random): Promise<Run> {
  const { directory, seed } = options
  rmSync(directory, { recursive: true, force: true })
  const data = join(directory, 'data')
  mkdirSync(data, { recursive: true })
  const shop = await TorturedShop.open(directory, seed)
  try {
    const started = {
      data,
      buffer: below(random, 3) === 0 ? 'shipped' : 'small',
      mutation: options.mutation ?? 'none',
      threads: 4,
    } as const
    const history = HISTORIES[below(random, HISTORIES.length)] ?? 0
    if (history > 0) await shop.sellThrough(new RunningJournal(started), { sales: history })
    const before = treeOf(data)
    const [rows = 0] = shop.headquarters.growth.slice(-1)
    const batches = shop.headquarters.growth.length
    const running = new RunningJournal(started)
    await running.ready
    const file = join(directory, 'trace')
    const { pid } = running
    const trace = await Trace.attach({ pid, calls: RECORDED_CALLS, file, textBytes: TEXT_BYTES })
    await shop.sellThrough(running, { sales: SALES })
    const calls = await trace.calls()
    return {
      recording: recordingOf({ directory: data, before, calls }),
      evidence: await shop.evidence(),
      growth: [rows, ...shop.headquarters.growth.slice(batches)],
    }
  } finally {
    await shop.close()
  }
}

/**
 * What tills and HQ knew right before a line of the trace: of each till the sales up to the one
 * after its last acknowledged one, of HQ the batches whose receipt had come.
 */
function evidenceAt({ recording, evidence, growth }: Run, at: number): Evidence {
  const said = recording.operations.flatMap(each =>
    each.type === 'say' && each.end < at ? [each.line.split(' ')] : [],
  )
  const received = said.filter(([word]) => word === 'received').length
  const unsaid = new Set(
    recording.operations.flatMap(each =>
      each.type === 'say' && each.end >= at && each.line.startsWith('acknowledged')
        ? [each.line.slice('acknowledged '.length)]
        : [],
    ),
  )
  const tills: string[] = []
  const pending = new Set<string>()
  for (const line of evidence.tills) {
    const { type, till, n }: { type: string; till: string; n: number } = JSON.parse(line)
    const isUnsaid = unsaid.has(`${till} ${n}`)
    if (type === 'till' || !isUnsaid) tills.push(line)
    else if (type === 'sale' && !pending.has(till)) {
      pending.add(till)
      tills.push(line)
    }
  }
  return { tills, rows: evidence.rows.slice(0, growth[received]) }
}

async function judgeState(options: {
  readonly scratch: string
  readonly state: CrashState
  readonly evidence: Evidence
}): ReturnType<typeof judge> {
  const directory = join(options.scratch, 'state')
  rmSync(directory, { recursive: true, force: true })
  put(directory, options.state)
  forgetBoot(directory)
  return judge(directory, options.evidence)
}

function put(directory: string, { files, folders }: CrashState): void {
  mkdirSync(directory, { recursive: true })
  for (const name of [...folders].sort()) mkdirSync(join(directory, name), { recursive: true })
  for (const [name, content] of files) writeFileSync(join(directory, name), content)
}
