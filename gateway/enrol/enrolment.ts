import type { Clock, MonotonicMs } from '../core/clock.js'
import { messageOf } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import type { Logger } from '../core/log.js'
import { fail, ok, type Result } from '../core/result.js'
import { decodeJson } from '../core/schema.js'
import type { Delivery, MqttConnection } from '../mqtt/connection.js'
import { checkCertificate, type TlsKey } from '../security/client-certificate.js'
import { verifyJws } from '../security/jws.js'
import { codeProof, type EnrolAnswer, enrolAnswer } from '../wire/enrol.js'
import type { Topics } from '../wire/topics.js'
import type { Device } from './device.js'

export type Approval = Extract<EnrolAnswer, { decision: 'approved' }>

/** How a gateway describes itself to whoever may approve it. */
export interface Applicant {
  readonly software: string
  readonly hardware: string
  /** The store that it is to be, or the code that says so. */
  readonly store?: string
  readonly code?: string
}

export interface EnrolmentOptions {
  readonly device: Device
  readonly tlsKey: TlsKey
  readonly applicant: Applicant
  /** Whose signature an answer must bear. */
  readonly keys: readonly string[]
  /** With the fleet's credential; started and stopped by whoever made it. */
  readonly connection: MqttConnection
  readonly topics: Topics
  readonly clock: Clock
  readonly logger: Logger
  /** The key counts no longer, but for the time that this runs. */
  readonly onRefused: () => Promise<void>
  /** Hears now and then what is waited for. */
  readonly tell: (text: string) => void
}

/**
 * Asks HQ who this gateway is, until it has said so. What is not signed by a pinned key, or was
 * said to another gateway or of another key, is no answer. HQ may refuse, and approve after all.
 */
export class Enrolment {
  readonly #options: EnrolmentOptions
  readonly #enough = new AbortController()
  #approval: Approval | undefined
  #refusal: string | undefined
  #askedMs: MonotonicMs | undefined

  constructor(options: EnrolmentOptions) {
    this.#options = options
  }

  /** Nothing where the signal aborts before there is an answer. */
  async run(signal: AbortSignal): Promise<Approval | undefined> {
    const { connection, topics, device, clock } = this.#options
    const over = AbortSignal.any([signal, this.#enough.signal])
    const answers = topics.enrolAnswer(device.id)
    const silence = connection.subscribe(answers, delivery => this.#hear(delivery))
    const leave = connection.onState(({ type }) => {
      if (type === 'connecting') this.#askedMs = undefined
      this.#ask()
    })
    while (!over.aborted) {
      this.#remind()
      this.#ask()
      await clock.sleep(LIMITS.enrolRemindMs, over)
    }
    leave()
    silence()
    return this.#approval
  }

  async #hear({ payload }: Delivery): Promise<void> {
    // Empty: HQ has taken back what was answered to an older request.
    if (payload.length === 0) return
    const { logger, onRefused } = this.#options
    const answer = readAnswer(payload, this.#options)
    if (!answer.ok) logger.warn({ reason: answer.error }, 'an answer was not believed')
    else if (answer.value.decision === 'approved') {
      this.#approval = answer.value
      this.#enough.abort()
    } else {
      this.#refusal = answer.value.reason
      // It is in nobody's way any longer. The next start asks again, with another key.
      void this.#say('')
      await onRefused()
      this.#remind()
    }
  }

  async #say(payload: string): Promise<void> {
    const { connection, topics, device, logger } = this.#options
    try {
      await connection.publish({ topic: topics.enrolRequest(device.id), payload, retain: true })
    } catch (thrown) {
      logger.debug({ reason: messageOf(thrown) }, 'the request did not go out; it will')
    }
  }

  /** Once for each connection, and now and then: HQ takes the same question twice for one. */
  #ask(): void {
    const { connection, clock } = this.#options
    if (connection.state.type !== 'online' || this.#refusal !== undefined) return
    const nowMs = clock.monotonicMs()
    if (this.#askedMs !== undefined && nowMs - this.#askedMs < LIMITS.enrolAskMs) return
    this.#askedMs = nowMs
    void this.#say(this.#request())
  }

  /** Nobody reads the log all the time: it is said again and again. */
  #remind(): void {
    const { device, connection, logger, tell } = this.#options
    const { state } = connection
    const detail = state.type === 'connecting' && state.reason !== undefined ? state : undefined
    const text =
      this.#refusal === undefined
        ? `waiting for HQ to approve this gateway; its fingerprint: ${device.id}`
        : `HQ refused this gateway, ${device.id}: ${this.#refusal}`
    logger.warn(detail === undefined ? {} : { reason: detail.reason }, text)
    tell(text)
  }

  #request(): string {
    const { device, tlsKey, applicant } = this.#options
    const { software, hardware, store, code } = applicant
    return device.sign({
      v: 1,
      device: device.id,
      publicKey: device.publicKey,
      ...device.claim(tlsKey),
      software: software.slice(0, 40),
      hardware: hardware.slice(0, 120),
      ...(store === undefined ? {} : { store }),
      ...(code === undefined ? {} : { code: codeProof(device.id, code) }),
    })
  }
}

function readAnswer(
  payload: Uint8Array,
  options: Pick<EnrolmentOptions, 'device' | 'tlsKey' | 'keys'>,
): Result<EnrolAnswer, string> {
  const { device, tlsKey, keys } = options
  if (payload.length > LIMITS.enrolAnswerBytes) return fail(`${payload.length} bytes`)
  const said = verifyJws(Buffer.from(payload).toString('latin1'), keys)
  if (!said.ok) return said
  const answer = decodeJson(enrolAnswer, said.value)
  if (!answer.ok) return answer
  const { value } = answer
  if (value.device !== device.id) return fail(`it is for gateway ${value.device}`)
  if (value.tlsKey !== tlsKey.publicKey) return fail('it is an answer to an older request')
  if (value.decision === 'refused') return ok(value)
  const { certificate, authority, store } = value
  const checked = checkCertificate({ certificate, authority, name: store, key: tlsKey.pem })
  return checked.ok ? ok(value) : checked
}
