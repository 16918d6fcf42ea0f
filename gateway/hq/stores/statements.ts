import type { ZodType } from 'zod'
import type { DeviceId } from '../../core/ids.js'
import { LIMITS } from '../../core/limits.js'
import { fail, ok, type Result } from '../../core/result.js'
import { decodeJson } from '../../core/schema.js'
import { isProven } from '../../security/client-certificate.js'
import { verifyJws } from '../../security/jws.js'
import {
  type CertificateNote,
  certificateNote,
  deviceOf,
  type EnrolRequest,
  enrolRequest,
  possessionText,
} from '../../wire/enrol.js'

/** What a gateway asks for, where it said so itself and has the keys that it names. */
export function readRequest(payload: Uint8Array): Result<EnrolRequest, string> {
  const request = readSigned(payload, enrolRequest)
  if (!request.ok || hasKey(request.value.device, request.value)) return request
  return fail('it does not have the key for TLS that it names')
}

/** By what a store says that it speaks. */
export function readNote(payload: Uint8Array): Result<CertificateNote, string> {
  const note = readSigned(payload, certificateNote)
  if (!note.ok || note.value.renewal === undefined) return note
  const { device, renewal } = note.value
  return hasKey(device, renewal) ? note : fail('it does not have the key for TLS that it names')
}

/** Signed by the key that it states, whose device it is. */
function readSigned<Said extends { readonly publicKey: string; readonly device: DeviceId }>(
  payload: Uint8Array,
  schema: ZodType<Said>,
): Result<Said, string> {
  if (payload.length > LIMITS.enrolRequestBytes) return fail(`${payload.length} bytes`)
  const jws = Buffer.from(payload).toString('latin1')
  const said = decodeJson(schema, Buffer.from(jws.split('.')[1] ?? '', 'base64url'))
  if (!said.ok) return said
  const { publicKey, device } = said.value
  if (deviceOf(publicKey) !== device) return fail('its key is not that of the gateway it names')
  const signed = verifyJws(jws, [publicKey])
  return signed.ok ? ok(said.value) : signed
}

function hasKey(
  device: DeviceId,
  { tlsKey, tlsProof }: Pick<EnrolRequest, 'tlsKey' | 'tlsProof'>,
): boolean {
  const text = possessionText(device, tlsKey)
  return isProven({ publicKey: tlsKey, text, proof: tlsProof })
}
