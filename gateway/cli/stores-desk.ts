import type { DeviceId } from '../core/ids.js'
import { LIMITS } from '../core/limits.js'
import { readRequest } from '../hq/stores/statements.js'
import { signJws } from '../security/jws.js'
import type { SigningKey } from '../security/signature.js'
import type { EnrolAnswer, EnrolRequest } from '../wire/enrol.js'
import type { Topics } from '../wire/topics.js'
import type { AtBroker } from './at-broker.js'
import type { BrokerDesk } from './broker-desk.js'

/** What waits at HQ's broker to be approved. */
export interface Waiting {
  readonly requests: readonly EnrolRequest[]
  /** Messages that no gateway signed: whoever has the fleet's credential can write there. */
  readonly forged: number
  /** Those that were not looked at. */
  readonly more: number
}

/** Where HQ hears from gateways that have no identity, and answers them. */
export class StoresDesk {
  readonly #desk: BrokerDesk
  readonly #topics: Topics

  constructor({ desk, topics }: AtBroker) {
    this.#desk = desk
    this.#topics = topics
  }

  async waiting(device: DeviceId | '+' = '+'): Promise<Waiting> {
    const found = await this.#desk.retained(this.#topics.enrolRequest(device))
    const read = found.slice(0, LIMITS.enrolRequests).map(({ topic, payload }) => {
      const request = readRequest(payload)
      const isThere = request.ok && topic === this.#topics.enrolRequest(request.value.device)
      return isThere ? request.value : undefined
    })
    const requests = read.filter(request => request !== undefined)
    return {
      requests,
      forged: read.length - requests.length,
      more: found.length - read.length,
    }
  }

  /** The answer first: a gateway that hears it takes its request back itself, too. */
  async answer(answer: EnrolAnswer, key: SigningKey): Promise<void> {
    const { device } = answer
    await this.#desk.put(this.#topics.enrolAnswer(device), signJws(JSON.stringify(answer), key))
    await this.#desk.put(this.#topics.enrolRequest(device), '')
  }
}
