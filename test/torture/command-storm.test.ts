import t from 'tap'
import { below, newRandom } from '../support/sample.js'
import { stormOfCommands } from './command-storm.js'

t.test(
  'every command is carried out once, or never: counted, journaled, and by what ran',
  async t => {
    const seed = below(newRandom(t), 2 ** 32)
    const place = t.testdir()
    const { findings, counts } = await stormOfCommands({
      unit: 1,
      seed,
      messages: 600,
      restarts: 4,
      directory: `${place}/storm`,
    })
    t.same(findings, [])
    t.ok((counts['carried out once'] ?? 0) > 100, JSON.stringify(counts))
  },
)
