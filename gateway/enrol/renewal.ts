import type { Clock } from '../core/clock.js'
import { Doorbell } from '../core/doorbell.js'
import { messageOf } from '../core/errors.js'
import type { StoreId } from '../core/ids.js'
import { LIMITS } from '../core/limits.js'
import type { Logger } from '../core/log.js'
import type { Result } from '../core/result.js'
import { decodeJson } from '../core/schema.js'
import { untilAborted } from '../core/until-aborted.js'
import type { MqttConnection } from '../mqtt/connection.js'
import { checkCertificate, readCertificate, type TlsKey } from '../security/client-certificate.js'
import { certificateAnswer } from '../wire/enrol.js'
import type { Topics } from '../wire/topics.js'
import { CertificateAlarm, type CertificateAlarms, phaseOf } from './certificate-end.js'
import { type Device, forgetNextKey, openNextKey } from './device.js'
import { saveCertificate } from './identity.js'

export interface RenewalOptions {
  readonly store: StoreId
  readonly device: Device
  readonly dataDir: string
  /** PEM of who issues the store's certificates: whom to believe, and nobody else. */
  readonly authority: string
  /** The store's own; started and stopped by whoever made it. */
  readonly connection: MqttConnection
  readonly topics: Topics
  readonly software: string
  /** The certificate and its key by which the next connection is made. */
  readonly current: () => string
  readonly replace: (pem: string) => void
  /** Connects to HQ once with a certificate and its key, beside the connection that is. */
  readonly prove: (pem: string, signal: AbortSignal) => Promise<Result<undefined, string>>
  readonly alarms: CertificateAlarms
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Says by which certificate the store speaks, and has it renewed past half of its life: a new key,
 * HQ's authority signs it, one connection proves it, then it takes the place of the old one. What
 * fails is tried again; selling never waits for it.
 */
export class CertificateRenewal {
  readonly #options: RenewalOptions
  readonly #bell: Doorbell
  readonly #alarm: CertificateAlarm
  /** What a certificate is asked for; nothing while the present one is young. */
  #next: TlsKey | undefined
  #arrived: Uint8Array | undefined
  #askedMs: number | undefined
  #failure = 'HQ did not renew it'

  constructor(options: RenewalOptions) {
    this.#options = options
    this.#bell = new Doorbell(options.clock)
    this.#alarm = new CertificateAlarm(options)
  }

  async run(signal: AbortSignal): Promise<void> {
    const { connection, topics, store } = this.#options
    // A key that was asked for before the restart must be here when its answer comes.
    await this.#prepare().catch(() => undefined)
    const silence = connection.subscribe(topics.newCertificate(store), ({ payload }) => {
      this.#arrived = payload
      this.#bell.ring()
    })
    const leave = connection.onState(({ type }) => {
      if (type !== 'online') return
      this.#askedMs = undefined
      this.#bell.ring()
    })
    signal.addEventListener('abort', () => this.#bell.ring(), { once: true })
    while (!signal.aborted) {
      await this.#look(signal)
      await this.#bell.wait(LIMITS.certificateLookMs)
    }
    leave()
    silence()
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { logger } = this.#options
    try {
      await this.#prepare()
      await this.#take(signal)
      await this.#say(signal)
    } catch (thrown) {
      this.#failure = messageOf(thrown)
      logger.warn({ reason: this.#failure }, 'the certificate was not renewed')
    }
    this.#alarm.look(this.#failure)
  }

  async #prepare(): Promise<void> {
    const { current, clock, dataDir } = this.#options
    const isDue = phaseOf(readCertificate(current()), clock.wallMs()) !== 'young'
    if (isDue) this.#next ??= await openNextKey(dataDir)
  }

  /** Once for each connection, and again now and then while it is unanswered. */
  async #say(signal: AbortSignal): Promise<void> {
    const { connection, topics, store, device, software, clock, current } = this.#options
    const nowMs = clock.monotonicMs()
    const isSaid = this.#askedMs !== undefined && nowMs - this.#askedMs < LIMITS.certificateAskMs
    if (connection.state.type !== 'online' || isSaid) return
    const { serial } = readCertificate(current())
    const payload = device.sign({
      ...{ v: 1, store, device: device.id, publicKey: device.publicKey, serial, software },
      ...(this.#next === undefined ? {} : { renewal: device.claim(this.#next) }),
    })
    const said = connection.publish({ topic: topics.certificate(store), payload, retain: true })
    await untilAborted(said, signal)
    this.#askedMs = nowMs
  }

  /** Nothing where what arrived is for another key: it is what HQ issued before. */
  async #take(signal: AbortSignal): Promise<void> {
    const { store: name, authority, dataDir, replace, prove, logger } = this.#options
    const payload = this.#arrived
    this.#arrived = undefined
    const next = this.#next
    if (payload === undefined || payload.length === 0 || next === undefined) return
    const answer = decodeJson(certificateAnswer, payload)
    if (!answer.ok) throw new Error(answer.error)
    const { certificate } = answer.value
    const checked = checkCertificate({ certificate, authority, name, key: next.pem })
    if (!checked.ok) throw new Error(checked.error)
    const pem = `${next.pem}${certificate}`
    const proven = await prove(pem, signal)
    if (!proven.ok) throw new Error(`HQ's broker does not take the new one: ${proven.error}`)
    await saveCertificate(dataDir, { certificate, key: next.pem })
    replace(pem)
    await forgetNextKey(dataDir)
    this.#next = undefined
    this.#askedMs = undefined
    const until = new Date(checked.value.validToMs).toISOString()
    logger.info({ serial: checked.value.serial, until }, "the store's certificate was renewed")
  }
}
