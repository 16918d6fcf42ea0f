import { benchAppend } from './append.js'
import { benchBacklog } from './backlog.js'
import { benchBroker } from './broker.js'
import { benchDrain } from './drain.js'
import { benchLatency } from './latency.js'
import { say } from './report.js'
import { benchTap } from './tap.js'

const SECTIONS: Readonly<Record<string, () => Promise<void>>> = {
  append: benchAppend,
  backlog: benchBacklog,
  broker: benchBroker,
  drain: benchDrain,
  latency: benchLatency,
  tap: benchTap,
}

const asked = process.argv.slice(2)
const unknown = asked.filter(name => !(name in SECTIONS))
if (unknown.length > 0) {
  say(`No such section: ${unknown.join(', ')}. There are: ${Object.keys(SECTIONS).join(', ')}.`)
  process.exit(2)
}
for (const [name, run] of Object.entries(SECTIONS))
  if (asked.length === 0 || asked.includes(name)) await run()
