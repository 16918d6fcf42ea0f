import type { Topics } from '../wire/topics.js'
import { BrokerDesk } from './broker-desk.js'
import { EXIT, type ExitCode } from './exit-codes.js'
import { type HqBrokerFlags, hqBrokerOf } from './hq-client-flags.js'
import type { CliIo } from './io.js'

/** A desk at HQ's broker, and the topics there. */
export interface AtBroker {
  readonly desk: BrokerDesk
  readonly topics: Topics
}

/**
 * What the work says, done at HQ's broker; where that is away, it says so and ends with its code.
 * @throws what the work throws
 */
export async function atBroker(
  options: { readonly flags: HqBrokerFlags; readonly io: CliIo; readonly name: string },
  work: (at: AtBroker) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { flags, io, name } = options
  const { address, topics } = hqBrokerOf(flags, io)
  const desk = new BrokerDesk({ address, name, topics })
  try {
    const started = await desk.start()
    if (started.ok) return await work({ desk, topics })
    io.complain(started.error)
    return EXIT.cannotStart
  } finally {
    await desk.stop()
  }
}
