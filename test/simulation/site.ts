import type { Logger } from '../../gateway/core/log.js'
import type { Random } from '../../gateway/core/random.js'
import type { Topics } from '../../gateway/wire/topics.js'
import type { Broker } from './network.js'
import type { Seams } from './seams.js'
import type { Timeline } from './timeline.js'

/** What every place of a simulated world stands in. */
export interface SiteOptions {
  readonly timeline: Timeline
  readonly random: Random
  readonly broker: Broker
  readonly topics: Topics
  readonly logger: Logger
  readonly seams: Seams
  /** What must never happen: the run ends with it. */
  readonly fail: (thrown: unknown) => void
}
