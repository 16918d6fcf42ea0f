import { join } from 'node:path'
import t from 'tap'
import { hqCommand } from '../../gateway/cli/commands/hq.js'
import { EXIT } from '../../gateway/cli/exit-codes.js'
import { openLedger } from '../../gateway/cli/hq-ledger.js'
import { seededRandom } from '../../gateway/core/random.js'
import { batchOf, endOf, makeEpoch } from '../support/chain.js'
import { invoke } from '../support/command.js'
import { alarm, selfTested } from '../support/gateway-events.js'

const ROLLOUT = `version: '0.2.0'
soakHours: 0
rings:
  - { name: canaries, stores: [store-001] }
  - { name: all, stores: rest }
`

t.test('which ring may get a version, by what stands in the ledger', async t => {
  const folder = t.testdir({
    'rollout.yaml': ROLLOUT,
    'soak.yaml': ROLLOUT.replace('soakHours: 0', 'soakHours: 24'),
    'odd.yaml': `${ROLLOUT}weeks: 2\n`,
  })
  const data = join(folder, 'hq')
  const file = join(folder, 'rollout.yaml')
  const random = seededRandom(1)
  const commit = async (epoch: ReturnType<typeof makeEpoch>): Promise<void> => {
    const ledger = await openLedger({ type: 'directory', dataDir: data }, { make: true })
    await ledger.commit(batchOf(epoch, { first: 1, last: epoch.records.length }))
    await ledger.close()
  }
  const rollout = (...more: string[]) =>
    invoke(hqCommand, { args: ['rollout', file, '--data', data, ...more] })
  const soaking = (...more: string[]) =>
    invoke(hqCommand, { args: ['rollout', join(folder, 'soak.yaml'), '--data', data, ...more] })

  const old = makeEpoch({ random, software: '0.1.0', events: [selfTested('0.1.0')] })
  await commit(old)
  t.match(await rollout(), {
    code: EXIT.ok,
    stdout: 'canaries: go; 1 before\nall: wait; no stores\ngo: 0.2.0 may go to ring canaries\n',
  })
  t.match(await rollout('--ring', 'canaries'), { code: EXIT.ok })
  t.match(await rollout('--ring', 'all'), { code: EXIT.notYet })
  t.match(await rollout('--ring', 'al'), { code: EXIT.usage, stderr: /write one of canaries, all/ })

  const next = { random, ordinal: 2, after: endOf(old), software: '0.2.0' }
  const good = makeEpoch({ ...next, events: [selfTested('0.2.0')] })
  await commit(good)
  t.match(await rollout(), { code: EXIT.ok, stdout: /0\.2\.0 is everywhere, and fares well/ })
  t.match(await soaking(), { code: EXIT.notYet, stdout: /wait: ring canaries .* soaks/ })
  t.match(await soaking('--ring', 'canaries'), { code: EXIT.ok })
  t.match(await soaking('--ring', 'all'), { code: EXIT.notYet })

  const reason = '0.2.0 went back to 0.1.0: it did not sell'
  const back = { random, ordinal: 3, after: endOf(good), software: '0.1.0' }
  await commit(makeEpoch({ ...back, events: [alarm('update-unfit', 'raised', reason)] }))
  t.match(await rollout('--ring', 'all'), {
    code: EXIT.findings,
    stdout:
      /canaries: stop; 1 ill\n {2}store-001 ill \(runs 0\.1\.0\): 0\.2\.0 went back.*\n.*stop:/s,
  })
  const { stdout } = await rollout('--json')
  t.match(JSON.parse(stdout), {
    ...{ version: '0.2.0', verdict: 'stop', ring: 'canaries' },
    rings: [
      {
        ring: 'canaries',
        verdict: 'stop',
        stores: [{ store: 'store-001', health: 'ill', reason }],
      },
      { ring: 'all', verdict: 'wait', stores: [] },
    ],
  })

  const odd = ['rollout', join(folder, 'odd.yaml'), '--data', data]
  t.match(await invoke(hqCommand, { args: odd }), { code: EXIT.usage, stderr: /weeks/ })
})
