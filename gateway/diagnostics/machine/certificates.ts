const DAY_MS = 24 * 3600 * 1000
/** Time enough to renew before the shop falls silent. */
const RENEW_DAYS = 30

export interface Certificate {
  readonly subject: string
  readonly issuer: string
  readonly validFromMs: number
  readonly validToMs: number
}

type Verdict =
  | { readonly state: 'ok'; readonly found: string }
  | { readonly state: 'warn' | 'fail'; readonly found: string; readonly doThis: string }

/** Which certificate of a chain is at fault, and until when the others are valid. */
export function judgeCertificates(options: {
  /** The server's own first. */
  readonly chain: readonly Certificate[]
  readonly rejection: string | undefined
  readonly nowMs: number
}): Verdict {
  const { chain, rejection, nowMs } = options
  const early = chain.find(({ validFromMs }) => validFromMs > nowMs)
  if (early !== undefined)
    return {
      state: 'fail',
      found: `"${early.subject}" is valid only from ${day(early.validFromMs)}`,
      doThis: "Check this machine's clock first; if it is right, HQ must renew the certificate.",
    }
  const expired = chain.find(({ validToMs }) => validToMs < nowMs)
  if (expired !== undefined)
    return {
      state: 'fail',
      found: `"${expired.subject}" was valid until ${day(expired.validToMs)}`,
      doThis:
        "Check this machine's clock first; if it is right, HQ must renew it at its issuer, " +
        `"${expired.issuer}".`,
    }
  if (rejection !== undefined) return rejected({ chain, rejection })
  return judgeEnd(chain, nowMs)
}

function judgeEnd(chain: readonly Certificate[], nowMs: number): Verdict {
  const [first] = [...chain].sort((left, right) => left.validToMs - right.validToMs)
  if (first === undefined) return { state: 'ok', found: 'trusted' }
  const found = `trusted; the first to end is "${first.subject}", on ${day(first.validToMs)}`
  if (first.validToMs - nowMs > RENEW_DAYS * DAY_MS) return { state: 'ok', found }
  return { state: 'warn', found, doThis: 'HQ must renew it before that day.' }
}

function rejected(options: {
  readonly chain: readonly Certificate[]
  readonly rejection: string
}): Verdict {
  const { chain, rejection } = options
  const [server, last] = [chain.at(0)?.subject, chain.at(-1)]
  if (rejection.includes('ALTNAME'))
    return {
      state: 'fail',
      found: `the certificate is for "${server}", not for the host of hq.url`,
      doThis: 'Write the name in the certificate as host of `hq.url`, or as `hq.tls.serverName`.',
    }
  return {
    state: 'fail',
    found: `"${last?.subject}", issued by "${last?.issuer}", is not trusted (${rejection})`,
    doThis: `Write as \`hq.tls.caFile\` a PEM file that holds the authority "${last?.issuer}".`,
  }
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
