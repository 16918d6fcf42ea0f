import t from 'tap'
import { denier } from '../../gateway/composition/denier.js'
import { createShop } from '../../gateway/composition/shop.js'
import { systemClock } from '../../gateway/core/clock.js'
import { silentLogger } from '../../gateway/core/log.js'
import { systemRandom } from '../../gateway/core/random.js'
import { FactIngest } from '../../gateway/ingest/fact-ingest.js'
import { JournalIngest } from '../../gateway/ingest/journal-ingest.js'
import { journalIn } from '../journal/open.js'
import { shopOf } from '../support/machine.js'
import { everyRecord, jsonOf } from '../support/sample.js'
import { until } from '../support/until.js'

t.test('what was refused is on record, however much whoever said it put into it', async t => {
  const journal = await journalIn(t.testdir())
  t.teardown(() => journal.close())
  const facts = new FactIngest({
    ingest: new JournalIngest({ journal, logger: silentLogger }),
    journal,
    clock: systemClock,
    random: systemRandom,
    clockState: () => 'synced',
    timeZone: 'UTC',
    onBabbling: () => undefined,
  })
  const shop = createShop({ config: shopOf(''), logger: silentLogger })
  const deny = denier({ shop, facts, door: 'command' })
  deny({ reason: 'malformed', detail: 'x'.repeat(60_000) })
  const denied = async () =>
    (await everyRecord(journal)).find(({ header }) => header.type === 'access.denied')
  await until('it is on record', async () => (await denied()) !== undefined)
  const record = await denied()
  t.match(record && jsonOf(record), { data: { reason: 'malformed', detail: 'x'.repeat(200) } })
})
