import t from 'tap'
import { type Clock, systemClock } from '../../gateway/core/clock.js'
import { LIMITS } from '../../gateway/core/limits.js'
import { createLogger } from '../../gateway/core/log.js'
import { recordKey } from '../../gateway/journal/keys.js'
import { openJournalDatabase } from '../../gateway/journal/open-database.js'
import { Scrub } from '../../gateway/journal/scrub.js'
import { sale } from '../support/sample.js'
import { until } from '../support/until.js'
import { journalIn, journalOver } from './open.js'

t.test('the whole journal is read through once a day, and what is damaged is named', async t => {
  const directory = t.testdir()
  const before = await journalIn(directory)
  const { epoch } = before
  await before.append(Array.from({ length: 900 }, (_, index) => sale({ number: index })))
  await before.confirm([{ epoch, upTo: 901, missing: [] }])
  await before.close()
  const database = await openJournalDatabase(directory)
  const keys = [300, 301, 700].map(seq => recordKey({ epoch, seq }))
  const operations = keys.map(key => ({ type: 'put', key, value: Buffer.from('x') }) as const)
  await database.batch(operations, { sync: true })
  const journal = await journalOver(database)
  t.teardown(() => journal.close())
  const named: string[] = []
  journal.onAppended(records => named.push(...records.map(({ header }) => header.type)))
  const said: string[] = []
  const logger = createLogger({ level: 'info', destination: { write: line => said.push(line) } })
  const slept: number[] = []
  const days: (() => void)[] = []
  const clock: Clock = {
    ...systemClock,
    sleep: async (ms, signal) => {
      slept.push(ms)
      if (ms === LIMITS.scrubEveryMs && signal?.aborted !== true)
        await new Promise<void>(resolve => {
          days.push(resolve)
          signal?.addEventListener('abort', () => resolve())
        })
    },
  }
  const scrub = new Scrub({ journal, clock, logger })
  scrub.start()
  await until('the first time', () => said.length === 1)
  t.same(named, ['journal.gap', 'journal.gap'])
  t.match(JSON.parse(said[0] ?? ''), { records: 899, lost: 3 })
  t.ok(slept.filter(ms => ms === LIMITS.scrubPauseMs).length >= 3, 'in slices')
  days.pop()?.()
  await until('a day later', () => said.length === 2)
  t.equal(named.length, 2, 'named once')
  await scrub.stop()
})
