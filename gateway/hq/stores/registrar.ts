import { messageOf } from '../../core/errors.js'
import type { DeviceId, StoreId } from '../../core/ids.js'
import type { Logger } from '../../core/log.js'
import { SerialQueue } from '../../core/serial-queue.js'
import type { Delivery, MqttConnection } from '../../mqtt/connection.js'
import type { CertificateNote } from '../../wire/enrol.js'
import type { Topics } from '../../wire/topics.js'
import { readNote } from './statements.js'
import { currentGateway } from './store-entry.js'
import type { StoreRegister } from './store-register.js'

/**
 * Renews certificates without a human for as long as the store is not retired, and says it where
 * another gateway than the approved one speaks as a store.
 */
export class Registrar {
  readonly #register: StoreRegister
  readonly #connection: MqttConnection
  readonly #topics: Topics
  readonly #logger: Logger
  readonly #queue = new SerialQueue()
  /** Who spoke last, so that gateways which take turns are named once for each turn at most. */
  readonly #strangers = new Map<StoreId, DeviceId>()
  /** Why a store was refused a certificate: one that asks on is named once. */
  readonly #refused = new Map<StoreId, string>()
  #silence: () => void = () => undefined

  constructor(options: {
    readonly register: StoreRegister
    /** Started and stopped by whoever made it. */
    readonly connection: MqttConnection
    readonly topics: Topics
    readonly logger: Logger
  }) {
    this.#register = options.register
    this.#connection = options.connection
    this.#topics = options.topics
    this.#logger = options.logger
  }

  start(): void {
    void this.#queue.run(() => this.#publishRevocations())
    const filter = this.#topics.every.certificate
    this.#silence = this.#connection.subscribe(filter, delivery => {
      // Its answer is published: that must not be awaited here.
      void this.#queue.run(() => this.#hear(delivery))
    })
  }

  async stop(): Promise<void> {
    this.#silence()
    await this.#queue.run(async () => undefined)
  }

  async #publishRevocations(): Promise<void> {
    try {
      await this.#register.publishRevocations()
    } catch (thrown) {
      this.#logger.error({ reason: messageOf(thrown) }, 'the list of revoked ones was not written')
    }
  }

  async #hear({ topic, payload }: Delivery): Promise<void> {
    const store = this.#topics.storeOf(topic, 'certificate')
    const note = readNote(payload)
    if (store === undefined || !note.ok || note.value.store !== store) {
      const reason = note.ok ? 'it is of another store than its topic' : note.error
      return this.#logger.error({ topic, reason }, 'what a store says of its certificate: refused')
    }
    try {
      await this.#answer(note.value)
    } catch (thrown) {
      // The store asks again.
      this.#logger.error({ store, reason: messageOf(thrown) }, 'a certificate was not renewed')
    }
  }

  async #answer(note: CertificateNote): Promise<void> {
    const { store, device } = note
    const approved = currentGateway(await this.#register.find(store))?.device
    if (approved !== device) return this.#nameStranger(note, approved)
    this.#strangers.delete(store)
    // It is a store's: its request, which it may have said again, and the answer are of no use.
    await this.#take(this.#topics.enrolRequest(device))
    await this.#take(this.#topics.enrolAnswer(device))
    const renewed = await this.#register.renew(note)
    if (renewed === undefined) return
    if (!renewed.ok) return this.#nameRefused(note, renewed.error)
    this.#refused.delete(store)
    const payload = JSON.stringify({ v: 1, certificate: renewed.value })
    const topic = this.#topics.newCertificate(store)
    await this.#connection.publish({ topic, payload, retain: true })
    this.#logger.info({ store, device }, 'a certificate was renewed')
  }

  #nameStranger({ store, device }: CertificateNote, approved: DeviceId | undefined): void {
    if (this.#strangers.get(store) === device) return
    this.#strangers.set(store, device)
    const why =
      approved === undefined
        ? 'which HQ did not enrol or has retired'
        : `whose gateway is ${approved}: two gateways run in that shop`
    const what = 'switch it off there, and let the broker read the list of revoked certificates'
    this.#logger.error({ store, device }, `gateway ${device} speaks as ${store}, ${why}; ${what}`)
  }

  #nameRefused({ store, device }: CertificateNote, reason: string): void {
    if (this.#refused.get(store) === reason) return
    this.#refused.set(store, reason)
    this.#logger.error({ store, device, reason }, 'a certificate was not renewed')
  }

  async #take(topic: string): Promise<void> {
    await this.#connection.publish({ topic, payload: '', retain: true })
  }
}
