import { X509Certificate } from 'node:crypto'
import { resolve } from 'node:path'
import { z } from 'zod'
import { isStoreId, STORE_ID_RULE, type StoreId } from '../core/ids.js'
import { fail, ok, type Result } from '../core/result.js'
import { type Environment, listOf } from './environment.js'
import { brokerUrl, publicKey } from './fields.js'

/** What a fleet's variables tell a gateway that has no identity yet. */
export interface Fleet {
  /** Where the fleet's credential counts, and what it is. */
  readonly url: string
  readonly username: string
  readonly password: string
  /** PEM of the authority that signed the broker's certificate; without it the system's count. */
  readonly ca?: string
  /** Whose signature an answer of HQ must bear. */
  readonly keys: readonly string[]
  readonly topicRoot: string
  readonly dataDir: string
  /** The store that it is to be, where a variable of the device says so. */
  readonly store?: StoreId
  readonly code?: string
}

const DEFAULT_USERNAME = 'enrol'

/**
 * The fleet of this gateway, or nothing where TILLBRIDGE_FLEET_PASSWORD is not set: then it is set
 * up by hand. Failures are lines for the operator.
 */
export function readFleet(env: Environment): Result<Fleet | undefined, readonly string[]> {
  const password = env['TILLBRIDGE_FLEET_PASSWORD'] ?? ''
  if (password === '') return ok(undefined)
  const url = env['TILLBRIDGE_FLEET_URL'] || env['TILLBRIDGE_HQ_URL'] || ''
  const keys = listOf(env['TILLBRIDGE_HQ_KEYS'] ?? '')
  const [ca, store, code] = [pemOf(env['TILLBRIDGE_HQ_CA'] ?? ''), storeOf(env), codeOf(env)]
  const faults = [
    ...urlFaults('TILLBRIDGE_HQ_URL', env['TILLBRIDGE_HQ_URL'] ?? ''),
    ...(url === env['TILLBRIDGE_HQ_URL'] ? [] : urlFaults('TILLBRIDGE_FLEET_URL', url)),
    ...(z.array(publicKey).min(1).max(2).safeParse(keys).success
      ? []
      : [
          'TILLBRIDGE_HQ_KEYS: expected one or two keys of HQ, 64 hexadecimal digits each; ' +
            'write the public key that `keys show` prints',
        ]),
    ...(ca.ok ? [] : [ca.error]),
    ...(store.ok ? [] : [store.error]),
    ...(code.ok ? [] : [code.error]),
  ]
  if (faults.length > 0 || !ca.ok || !store.ok || !code.ok) return fail(faults)
  return ok({
    url,
    username: env['TILLBRIDGE_FLEET_USERNAME'] || DEFAULT_USERNAME,
    password,
    keys,
    topicRoot: env['TILLBRIDGE_HQ_TOPIC_ROOT'] || 'tillbridge/1',
    dataDir: resolve(env['TILLBRIDGE_DATA_DIR'] || '/var/lib/tillbridge'),
    ...(ca.value === undefined ? {} : { ca: ca.value }),
    ...(store.value === undefined ? {} : { store: store.value }),
    ...(code.value === undefined ? {} : { code: code.value }),
  })
}

/** By TLS: a certificate is what makes the store. */
function urlFaults(variable: string, url: string): readonly string[] {
  const isRight = brokerUrl.safeParse(url).success && url.startsWith('mqtts:')
  return isRight ? [] : [`${variable}: expected HQ's broker by TLS; write mqtts://hq.example:8883`]
}

function storeOf(env: Environment): Result<StoreId | undefined, string> {
  const store = env['TILLBRIDGE_STORE_ID'] || undefined
  if (store === undefined || isStoreId(store)) return ok(store)
  return fail(`TILLBRIDGE_STORE_ID: expected a store id: ${STORE_ID_RULE}; write store-001`)
}

function codeOf(env: Environment): Result<string | undefined, string> {
  const code = env['TILLBRIDGE_ACTIVATION_CODE'] || undefined
  if (code === undefined || /^[A-Za-z0-9 -]{6,40}$/.test(code)) return ok(code)
  return fail('TILLBRIDGE_ACTIVATION_CODE: expected what `hq stores code` printed')
}

/** PEM, or PEM in base64 where a variable can hold no lines. */
function pemOf(text: string): Result<string | undefined, string> {
  if (text === '') return ok(undefined)
  const pem = text.includes('-----BEGIN') ? text : Buffer.from(text, 'base64').toString('latin1')
  try {
    return ok(new X509Certificate(pem.replaceAll('\\n', '\n')).toString())
  } catch {
    return fail('TILLBRIDGE_HQ_CA: expected a certificate; write its PEM, or that in base64')
  }
}
