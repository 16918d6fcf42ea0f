import type { Clock } from '../core/clock.js'
import { LIMITS } from '../core/limits.js'
import { type ClientCertificate, readCertificate } from '../security/client-certificate.js'

/** Past half of its life a certificate is renewed; in the last third somebody has to look. */
export type Phase = 'young' | 'due' | 'late'

export function phaseOf(
  { validFromMs, validToMs }: Pick<ClientCertificate, 'validFromMs' | 'validToMs'>,
  nowMs: number,
): Phase {
  const [life, left] = [validToMs - validFromMs, validToMs - nowMs]
  if (left > life / 2) return 'young'
  return left > life / 3 ? 'due' : 'late'
}

export interface CertificateAlarms {
  raise(alarm: 'certificate-ending', reason: string): void
  clear(alarm: 'certificate-ending'): void
}

interface AlarmOptions {
  /** PEM of the certificate by which the next connection is made. */
  readonly current: () => string
  readonly alarms: CertificateAlarms
  readonly clock: Clock
}

/** Rings in the last third of a certificate's life. */
export class CertificateAlarm {
  readonly #options: AlarmOptions

  constructor(options: AlarmOptions) {
    this.#options = options
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.look('put a new one in its place, and restart')
      await this.#options.clock.sleep(LIMITS.certificateLookMs, signal)
    }
  }

  /** `why`: what keeps it from being renewed, or what to do. */
  look(why: string): void {
    const { current, alarms, clock } = this.#options
    const certificate = certificateIn(current())
    if (certificate !== undefined && phaseOf(certificate, clock.wallMs()) !== 'late') {
      alarms.clear('certificate-ending')
      return
    }
    const end =
      certificate === undefined
        ? 'cannot be read'
        : `ends on ${new Date(certificate.validToMs).toISOString().slice(0, 10)}`
    const what = `The certificate by which this store reaches HQ ${end}`
    alarms.raise('certificate-ending', `${what}: ${why}. It sells on.`)
  }
}

function certificateIn(pem: string): ClientCertificate | undefined {
  try {
    return readCertificate(pem)
  } catch {
    return undefined
  }
}
