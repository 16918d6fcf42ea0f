import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { messageOf } from '../../core/errors.js'
import { judgeCertificates } from './certificates.js'
import type { Check, Finding, Machine } from './check.js'

/** The certificate of the in-store broker: readable, with its own key, and until when. */
export const checkShopBroker: Check = async machine => {
  const broker = machine.config?.broker
  if (broker === undefined || broker === 'off' || broker.tls === undefined) return []
  return [await checkTls(machine, broker.tls)]
}

const name = 'broker.tls'

async function checkTls(
  machine: Machine,
  files: { readonly certFile: string; readonly keyFile: string; readonly clientCaFile?: string },
): Promise<Finding> {
  const { certFile, keyFile, clientCaFile } = files
  try {
    const [cert, key] = [await readFile(certFile), await readFile(keyFile)]
    const ca = clientCaFile === undefined ? [] : [await readFile(clientCaFile)]
    createSecureContext({ cert, key, ...(ca.length === 0 ? {} : { ca }) })
    const chain = [cert, ...ca].map(pem => certificateOf(pem))
    const verdict = judgeCertificates({
      chain,
      rejection: undefined,
      nowMs: machine.clock.wallMs(),
    })
    const found = verdict.found.replace(/^trusted; /, '')
    return verdict.state === 'ok'
      ? { name, state: 'ok', found }
      : { name, state: verdict.state, found, doThis: RENEW }
  } catch (thrown) {
    const found = messageOf(thrown)
    const doThis =
      'Each of certFile, keyFile and clientCaFile must be a PEM file that the gateway may read, ' +
      'and keyFile the key of the first certificate in certFile: without them nothing starts.'
    return { name, state: 'fail', found, doThis }
  }
}

const RENEW =
  'Renew it and start the gateway anew, or tills on TLS stay out; check the clock first.'

function certificateOf(pem: Uint8Array) {
  const { subject, issuer, validFrom, validTo } = new X509Certificate(pem)
  const [validFromMs, validToMs] = [Date.parse(validFrom), Date.parse(validTo)]
  return { subject: commonName(subject), issuer: commonName(issuer), validFromMs, validToMs }
}

function commonName(subject: string): string {
  return /^CN=(.*)$/m.exec(subject)?.[1] ?? subject.replaceAll('\n', ', ')
}
