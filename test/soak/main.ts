import { parseArgs } from 'node:util'
import { percentile } from '../support/ledger-export.js'
import type { TerminalAccount } from './account.js'
import { type SoakReport, soak } from './soak.js'
import { SOAK_TERMINALS } from './terminals.js'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
})
const minutes = Number(values.minutes)
const seed = Number(values.seed)
const protocols = new Set(SOAK_TERMINALS.map(({ protocol }) => protocol))
const shared = SOAK_TERMINALS.filter(({ bus }) => bus !== undefined).length

say(
  `${SOAK_TERMINALS.length} terminals, ${protocols.size} protocols, ${shared} of them on one line, ` +
    `${minutes} min, seed ${seed}`,
)
say(
  'Pseudo-terminals ignore baud rate and refuse parity: the simulator paces the bytes; 7E1 runs as 8N1.',
)
const report = await soak({ terminals: SOAK_TERMINALS, ms: minutes * 60_000, seed })
process.exitCode = print(report) ? 0 : 1

function print({ terminals, cpuShare, rssMiB, status }: SoakReport): boolean {
  for (const account of terminals) say(lineOf(account, status))
  for (const bus of status?.buses ?? [])
    for (const member of bus.members)
      say(`bus ${bus.bus} (${bus.state}, ${bus.strayBytes} stray bytes): ${JSON.stringify(member)}`)
  const journaled = terminals.flatMap(({ latenciesMs }) => latenciesMs)
  const acknowledged = terminals.flatMap(({ ackLatenciesMs }) => ackLatenciesMs)
  say(`last byte to journal (its fsync follows): ${spread(journaled)}`)
  say(`last byte to ACK (after the fsync): ${spread(acknowledged)}`)
  say(`gateway: ${(cpuShare * 100).toFixed(1)} % of a core, ${rssMiB.toFixed(0)} MiB resident`)
  const faults = terminals.filter(
    ({ lost, doubled, invented }) => lost.length + doubled.length + invented.length > 0,
  )
  const said = terminals.reduce((sum, account) => sum + account.said, 0)
  const unheard = terminals.reduce((sum, account) => sum + account.unheard.length, 0)
  const verdict = faults.length === 0 ? 'each once in the ledger' : 'NOT each once'
  say(`${said} said, ${verdict} but ${unheard} answers that came too late`)
  return faults.length === 0
}

function lineOf(account: TerminalAccount, status: SoakReport['status']): string {
  const { id, said, found, lost, unheard, doubled, invented, latenciesMs } = account
  const state = status?.terminals.find(({ terminal }) => terminal === id)
  const counts =
    `${lost.length} lost, ${unheard.length} unheard, ${doubled.length} doubled, ` +
    `${invented.length} invented`
  const p99 = percentile(latenciesMs, 0.99).toFixed(0)
  const first = [...lost, ...doubled, ...invented].slice(0, 3).join(' ')
  return (
    `${id.padEnd(14)} ${String(said).padStart(6)} said, ${found} found, ${counts}, p99 ${p99} ms, ` +
    `${state?.state}, ${state?.timeoutTotal} timeouts, ${state?.discardedBytes} bytes discarded ${first}`
  )
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

function spread(values: readonly number[]): string {
  const [p50, p99, most] = [0.5, 0.99, 1].map(share => percentile(values, share).toFixed(0))
  return `p50 ${p50} ms, p99 ${p99} ms, most ${most} ms`
}
