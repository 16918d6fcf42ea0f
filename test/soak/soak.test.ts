import t from 'tap'
import { percentile } from '../support/ledger-export.js'
import { soak } from './soak.js'
import { SOAK_TERMINALS } from './terminals.js'

t.test('twelve terminals at once, three of them on one line: every event once', async t => {
  const shared = SOAK_TERMINALS.filter(({ bus }) => bus !== undefined)
  t.ok(SOAK_TERMINALS.length >= 12)
  t.ok(new Set(SOAK_TERMINALS.map(({ protocol }) => protocol)).size >= 8)
  t.ok(shared.length >= 3)
  const seed = 20_261_130
  const { terminals, cpuShare, rssMiB, status } = await soak({
    terminals: SOAK_TERMINALS,
    ms: 20_000,
    seed,
  })
  for (const { id, said, lost, doubled, invented } of terminals) {
    t.ok(said > 0, `${id} spoke ${said} times`)
    t.strictSame({ lost, doubled, invented }, { lost: [], doubled: [], invented: [] }, id)
  }
  const latencies = terminals.flatMap(({ latenciesMs }) => latenciesMs)
  const cpu = (cpuShare * 100).toFixed(1)
  t.comment(
    `seed ${seed}: ${latencies.length} events, p99 ${percentile(latencies, 0.99)} ms to the ` +
      `journal, ${cpu} % of a core, ${rssMiB.toFixed(0)} MiB`,
  )
  t.ok(rssMiB < 300, `${rssMiB} MiB`)
  t.match(status?.buses, [{ state: 'open' }])
})
