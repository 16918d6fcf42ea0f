import { isIP } from 'node:net'
import { connect, type DetailedPeerCertificate } from 'node:tls'
import type { Certificate } from './certificates.js'

/** What a server showed: its certificates, its own first, and why they were not believed. */
export interface Handshake {
  readonly chain: readonly Certificate[]
  /** OpenSSL's code (`CERT_HAS_EXPIRED` …) or Node's; undefined where all is well. */
  readonly rejection: string | undefined
}

/** A TLS handshake that looks at everything and believes nothing. @throws Error of the socket */
export async function shakeHands(options: {
  readonly host: string
  readonly port: number
  readonly serverName: string
  readonly ca?: Buffer
  readonly cert?: Buffer
  readonly key?: Buffer
}): Promise<Handshake> {
  const { serverName, ...target } = options
  // RFC 6066 §3: an address may not be sent as server name; it is compared all the same.
  const servername = isIP(serverName) === 0 ? serverName : ''
  const socket = connect({ ...target, servername, rejectUnauthorized: false })
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve)
      socket.once('error', reject)
    })
    const { authorizationError } = socket
    const rejection = authorizationError ? String(authorizationError) : undefined
    return { chain: chainOf(socket.getPeerCertificate(true)), rejection }
  } finally {
    socket.destroy()
  }
}

function chainOf(leaf: DetailedPeerCertificate): readonly Certificate[] {
  const chain: Certificate[] = []
  const seen = new Set<string>()
  // A root names itself as its issuer; a chain that ends early has no issuer at its end.
  for (
    let certificate: DetailedPeerCertificate | undefined = leaf;
    certificate?.subject !== undefined && !seen.has(certificate.fingerprint256);
    certificate = certificate.issuerCertificate
  ) {
    seen.add(certificate.fingerprint256)
    chain.push({
      subject: nameOf(certificate.subject),
      issuer: nameOf(certificate.issuer),
      validFromMs: Date.parse(certificate.valid_from),
      validToMs: Date.parse(certificate.valid_to),
    })
  }
  return chain
}

function nameOf(name: { readonly CN?: string | string[]; readonly O?: string | string[] }): string {
  return [name.CN ?? name.O ?? 'without a name'].flat().join(', ')
}
