import { Command, Option } from 'commander'
import { loadRollout, type Rollout } from '../../config/rollout.js'
import { systemClock } from '../../core/clock.js'
import { messageOf } from '../../core/errors.js'
import type { StoreId } from '../../core/ids.js'
import {
  type Health,
  judgeRollout,
  type RingReport,
  type RolloutPlan,
  type RolloutReport,
} from '../../hq/rollout.js'
import { trackInLedger } from '../ask-ledger.js'
import { EXIT, type ExitCode, exitCodeOf } from '../exit-codes.js'
import { type LedgerFlags, type LedgerPlace, ledgerPlaceOf } from '../hq-ledger.js'
import type { CliIo } from '../io.js'
import { printable } from '../printable.js'

interface Flags extends LedgerFlags {
  readonly ring?: string
  readonly json?: true
}

/** `tillbridge hq rollout`: whether a version may go to further stores (docs/hq.md). */
export function hqRolloutCommand(io: CliIo): Command {
  return new Command('rollout')
    .description('how a version fares in the stores that have it, ring by ring: go on, or stop')
    .argument('<file>', 'the version and its rings, YAML (docs/hq.md)')
    .option('--ring <name>', 'is it the turn of this ring? 0: yes, 6: not yet, 1: stop')
    .addOption(new Option('--json', 'print the report as JSON'))
    .action(async (file: string, _flags: unknown, command: Command) => {
      // The ledger's options are those of `hq`, whichever side of `rollout` they stand on.
      const flags = command.optsWithGlobals<Flags>()
      const place = ledgerPlaceOf(flags, io)
      const rollout = rolloutIn(file, flags, io)
      const code = await judge({ io, place, rollout, flags }).catch(thrown => {
        io.complain(messageOf(thrown))
        return exitCodeOf(thrown)
      })
      io.exit(code)
    })
}

async function judge(options: {
  readonly io: CliIo
  readonly place: LedgerPlace
  readonly rollout: Rollout
  readonly flags: Flags
}): Promise<ExitCode> {
  const { io, place, rollout, flags } = options
  const { versions: states, stores } = await trackInLedger(place, { ask: 'versions' })
  const plan = planOf(rollout, stores)
  const report = judgeRollout({ plan, states, nowMs: systemClock.wallMs() })
  if (flags.json === true) io.print(JSON.stringify(report, undefined, 2))
  else for (const line of describe(report)) io.print(printable(line))
  return codeOf(report, flags.ring)
}

function rolloutIn(file: string, { ring }: Flags, io: CliIo): Rollout {
  const rollout = loadRollout(file)
  if (!rollout.ok) {
    for (const fault of rollout.error) io.complain(fault)
    return io.exit(EXIT.usage)
  }
  const names = rollout.value.rings.map(({ name }) => name)
  if (ring === undefined || names.includes(ring)) return rollout.value
  io.complain(`--ring: expected a ring of ${file}; write one of ${names.join(', ')}`)
  return io.exit(EXIT.usage)
}

/** A store is in the first ring that names it. */
function planOf(rollout: Rollout, known: readonly StoreId[]): RolloutPlan {
  const named = new Set<StoreId>()
  const rings = rollout.rings.map(({ name, stores }) => {
    const meant = stores === 'rest' ? known : stores
    const own = [...new Set(meant)].filter(store => !named.has(store))
    for (const store of own) named.add(store)
    return { name, stores: own }
  })
  return { ...rollout, rings }
}

function codeOf(report: RolloutReport, ring: string | undefined): ExitCode {
  if (report.verdict === 'stop') return EXIT.findings
  if (ring === undefined) return report.verdict === 'soaking' ? EXIT.notYet : EXIT.ok
  const asked = report.rings.find(each => each.ring === ring)
  return asked?.verdict === 'wait' ? EXIT.notYet : EXIT.ok
}

function* describe(report: RolloutReport): Generator<string> {
  const { version, verdict, ring = '', rings } = report
  for (const each of rings) yield* describeRing(each)
  if (verdict === 'done') yield `${version} is everywhere, and fares well`
  else if (verdict === 'go') yield `go: ${version} may go to ring ${ring}`
  else if (verdict === 'soaking') yield `wait: ring ${ring} has ${version} everywhere, and soaks`
  else yield* whatNow(version, ring)
}

const HEALTHS: readonly Health[] = ['well', 'starting', 'ill', 'before', 'unheard']

function* describeRing({ ring, verdict, stores }: RingReport): Generator<string> {
  const counts = HEALTHS.flatMap(health => {
    const count = stores.filter(store => store.health === health).length
    return count === 0 ? [] : [`${count} ${health}`]
  })
  yield `${ring}: ${verdict}; ${counts.length === 0 ? 'no stores' : counts.join(', ')}`
  for (const { store, health, software, reason } of stores) {
    if (reason === undefined) continue
    yield `  ${store} ${health} (runs ${software ?? 'nothing'}): ${reason}`
  }
}

function* whatNow(version: string, ring: string): Generator<string> {
  yield `stop: ${version} fares badly in ring ${ring}; give it to nobody else, and take it back:`
  yield '  Debian: where it did not sell it went back by itself; take it out of your repository,'
  yield '    and where it stays: apt install tillbridge=<the version before>'
  yield '  balena: pin the fleet to the release before (docs/hq.md has the commands)'
}
